"""Addresses of accounts, credits and messages. Names of the login pages are those Django's own views expect."""

from django.contrib.auth import views as auth
from django.urls import path
from django.views.generic import TemplateView

from people import views
from people.forms import LoginForm

urlpatterns = [
    path("login/", auth.LoginView.as_view(form_class=LoginForm, redirect_authenticated_user=True), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("sign-up/", views.sign_up, name="sign_up"),
    path("sign-up/sent/", TemplateView.as_view(template_name="registration/sign_up_sent.html"), name="sign_up_sent"),
    path("sign-up/<str:token>/", views.sign_up_finish, name="sign_up_finish"),
    path("password-reset/", views.PasswordReset.as_view(), name="password_reset"),
    path("password-reset/sent/", auth.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("password-reset/<uidb64>/<token>/", auth.PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("password-reset/done/", auth.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path("account/", views.account, name="account"),
    path("account/send/", views.send_credits, name="send_credits"),
    path("messages/", views.inbox, name="inbox"),
    path("messages/<str:username>/", views.conversation, name="conversation"),
]
