"""Pages of accounts, credits and messages."""

from django.contrib import messages
from django.contrib.auth import login, views
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from people import credits, mail, signup
from people.forms import CreditsForm, MessageForm, NewMessageForm, NewPersonForm, ResetForm, SignUpForm
from people.models import Message, Person, Transfer

TRANSFERS_SHOWN = 20
MESSAGES_A_PAGE = 50


class PasswordReset(views.PasswordResetView):
    form_class = ResetForm


def sign_up(request: HttpRequest) -> HttpResponse:
    """Asks for an address; answers the same for every address, and as fast."""
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        link = request.build_absolute_uri(reverse("sign_up_finish", args=[signup.token_for(email)]))
        login_link = request.build_absolute_uri(reverse("login"))
        mail.later(lambda: signup.send_link(email, link, login_link))
        return redirect("sign_up_sent")
    return render(request, "registration/sign_up.html", {"form": form})


@sensitive_post_parameters()
def sign_up_finish(request: HttpRequest, token: str) -> HttpResponse:
    """Opened from the mail: choose a name and a password."""
    email = signup.email_in(token)
    if email is None or Person.objects.filter(email=email).exists():
        messages.error(request, "This link has been used or is too old.")
        return redirect("login")
    form = NewPersonForm(request.POST or None, instance=Person(email=email, credits=signup.WELCOME_CREDITS))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                person = form.save()
        except IntegrityError:  # the same link or name, a moment earlier
            messages.error(request, "That was taken a moment ago. Please try again.")
            return redirect(request.path)
        login(request, person)
        messages.success(request, f"Welcome! {signup.WELCOME_CREDITS} credits are on the house.")
        return redirect("account")
    return render(request, "registration/sign_up_finish.html", {"form": form, "email": email})


@login_required
def account(request: HttpRequest) -> HttpResponse:
    return _account(request, CreditsForm(sender=request.user))


@login_required
def send_credits(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("account")
    form = CreditsForm(request.POST, sender=request.user)
    if not form.is_valid():
        return _account(request, form)
    amount, recipient = form.cleaned_data["amount"], form.cleaned_data["recipient"]
    try:
        credits.send(request.user, recipient, amount, form.cleaned_data["key"])
    except credits.NotEnough:
        form.add_error("amount", "You do not have that many credits.")
        return _account(request, form)
    except credits.KeyReused:
        messages.error(request, "This form was sent before with other values. Nothing was sent this time.")
    else:
        messages.success(request, f"{amount} credits sent to {recipient}.")
    return redirect("account")


def _account(request: HttpRequest, form: CreditsForm) -> HttpResponse:
    mine = Transfer.objects.filter(Q(sender=request.user) | Q(recipient=request.user))
    transfers = mine.select_related("sender", "recipient")[:TRANSFERS_SHOWN]
    return render(request, "people/account.html", {"form": form, "transfers": transfers})


@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """The conversations, and a form that begins a new one."""
    form = NewMessageForm(request.POST or None, sender=request.user)
    if request.method == "POST" and form.is_valid():
        message = Message.objects.create(sender=request.user, **form.cleaned_data)
        return redirect(message)
    latest = Message.objects.latest_of_each_conversation(request.user)
    page = Paginator(latest, MESSAGES_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "people/inbox.html", {"form": form, "page": page})


@login_required
def conversation(request: HttpRequest, username: str) -> HttpResponse:
    """What was said between the reader and one other person, and a form to answer."""
    other = get_object_or_404(Person.objects.exclude(pk=request.user.pk), username=username, is_active=True)
    form = MessageForm(request.POST or None, instance=Message(sender=request.user, recipient=other))
    if request.method == "POST" and form.is_valid():
        return redirect(form.save())
    said = Message.objects.between(request.user, other).order_by("-pk")
    page = Paginator(said, MESSAGES_A_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "other": other, "page": page, "said": list(page)[::-1]}
    return render(request, "people/conversation.html", context)
