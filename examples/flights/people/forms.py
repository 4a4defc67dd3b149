"""Forms of accounts, credits and messages."""

import uuid
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, PasswordResetForm
from django.core.exceptions import ValidationError

from people import mail
from people.models import Message, Person


def email_field() -> forms.EmailField:
    return forms.EmailField(label="Email", widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "email"}))


class LoginForm(AuthenticationForm):
    username = email_field()


class SignUpForm(forms.Form):
    email = email_field()

    def clean_email(self) -> str:
        return Person.objects.normalize_email(self.cleaned_data["email"])


class NewPersonForm(BaseUserCreationForm):
    """The second half of signing up, reached from the mail."""

    class Meta:
        model = Person
        fields = ["username"]
        labels = {"username": "Public name"}
        help_texts = {"username": "What others see and send credits and messages to."}


class ResetForm(PasswordResetForm):
    def save(self, **options: Any) -> None:
        super_save = super().save
        mail.later(lambda: super_save(**options))


class ToPersonForm(forms.Form):
    """Addresses somebody else by public name."""

    recipient = forms.CharField(label="To", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, sender: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sender = sender

    def clean_recipient(self) -> Person:
        recipient = Person.objects.filter(username=self.cleaned_data["recipient"], is_active=True).first()
        if recipient is None:
            raise ValidationError("Nobody has this public name.")
        if recipient == self.sender:
            raise ValidationError("That is you.")
        return recipient


class CreditsForm(ToPersonForm):
    amount = forms.IntegerField(label="Credits", min_value=1, max_value=1_000_000)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class MessageForm(forms.ModelForm):
    class Meta:
        model = Message
        fields = ["body"]
        labels = {"body": "Message"}
        widgets = {"body": forms.Textarea(attrs={"rows": 3})}


class NewMessageForm(ToPersonForm):
    body = forms.CharField(label="Message", max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))
