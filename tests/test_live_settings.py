"""What differs between two sets of settings, what `seawall set` may change, and which of the file and it wins."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.config import Settings
from seawall.config.effects import EFFECTS, KINDS, STOP, changes, effects, flat, keeping, nested
from seawall.config.live import LIVE, ordered, reloaded, saved, with_live
from seawall.config.load import validated
from seawall.errors import ConfigError

DEFAULT = Settings()
# For each setting a value that is not its default.
OTHERS = {
    "name": "shop",
    "wsgi": "a:b",
    "asgi": "a:b",
    "command": "x",
    "python": "p",
    "environment": {"A": "1"},
    "warm_path": "/w",
    "user": "u",
    "servers.memory": "512M",
    "balancer.strategy": "random",
    "listen.address": "::",
    "sessions.mode": "sticky",
    "https.enabled": False,
    "https.redirect": False,
    "https.domains": ["a.b"],
    "https.certificate": "c.pem",
}


def other(key: str) -> object:
    return OTHERS.get(key, 7)


def file(**settings: object) -> Settings:
    """With `servers__min=4` for servers.min."""
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return validated(nested(flat(DEFAULT) | given), "test")


@pytest.mark.parametrize("key", EFFECTS)
def test_each_setting_alone_is_one_change(key: str) -> None:
    now = validated(nested(flat(DEFAULT) | {key: other(key)}), "test")
    [change] = changes(DEFAULT, now)
    assert change.setting.removesuffix(".A") == key
    assert change.effects == EFFECTS[key]
    assert keeping(now, DEFAULT, [key]) == DEFAULT
    refused = reloaded(DEFAULT, {}, now).refused
    assert bool(refused) == (STOP in EFFECTS[key] or key == "command")


def test_settings_are_the_same_after_they_were_on_record() -> None:
    now = file(name="shop", environment={"A": "1"}, servers__max=7, https__domains=["a.b", "*.c.d"])
    assert validated(nested(flat(now)), "test") == now


@pytest.mark.parametrize("key", LIVE)
def test_equal_settings_look_alike_wherever_they_come_from(key: str) -> None:
    value = flat(DEFAULT)[key]
    texts = [f"{value:g}", str(value)] if isinstance(value, float) else []
    recorded = validated(nested(json.loads(json.dumps(flat(DEFAULT)))), "the record")
    assert [repr(one) for one in (recorded, Settings.model_validate({}))] == [repr(DEFAULT)] * 2
    assert {repr(with_live(DEFAULT, {key: text})) for text in texts} <= {repr(DEFAULT)}


def test_values_of_the_environment_are_not_told() -> None:
    told = changes(file(environment={"A": "s3cret", "B": "1"}), file(environment={"A": "other", "C": "2"}))
    assert [(one.setting, one.old, one.new) for one in told] == [
        ("environment.A", "…", "…"),
        ("environment.B", "…", None),
        ("environment.C", None, "…"),
    ]


def test_what_was_set_stays_unless_the_file_changes_it() -> None:
    live = {"servers.min": "6", "servers.queue_timeout": "3"}
    proposal = reloaded(DEFAULT, live, file(servers__min=4, servers__body_timeout=9))
    assert proposal.live == {"servers.queue_timeout": "3"}
    assert [(one.setting, one.old, one.new) for one in proposal.changes] == [
        ("servers.min", 6, 4),
        ("servers.body_timeout", 30, 9),
    ]
    assert [(one.setting, one.value, one.file) for one in proposal.kept] == [("servers.queue_timeout", 3, 30)]
    # The same value from both sides changes nothing, and from then on the file's counts.
    same = reloaded(DEFAULT, live, file(servers__min=6))
    assert (same.changes, same.live) == ((), {"servers.queue_timeout": "3"})


def test_what_is_refused_stays_as_it_was_and_is_named_again() -> None:
    now = file(listen__http=80, listen__https=443, servers__min=4)
    proposal = reloaded(DEFAULT, {}, now)
    assert [one.setting for one in proposal.refused] == ["listen.http", "listen.https"]
    assert proposal.file == file(servers__min=4)
    assert [one.setting for one in reloaded(proposal.file, {}, now).refused] == ["listen.http", "listen.https"]


def test_a_command_does_not_take_the_place_of_an_import() -> None:
    before, now = file(wsgi="a:b"), file(command="x", servers__min=3)
    proposal = reloaded(before, {}, now)
    assert [one.setting for one in proposal.refused] == ["wsgi", "command"]
    assert proposal.file == file(wsgi="a:b", servers__min=3)
    assert reloaded(before, {}, file(asgi="a:b")).refused == ()
    with pytest.raises(ConfigError, match="a command cannot"):
        ordered(DEFAULT, {}, "command", "x")


def test_the_file_and_what_was_set_have_to_go_together() -> None:
    with pytest.raises(ConfigError, match=r"servers.max: expected at least \d, as many as servers.min") as caught:
        reloaded(DEFAULT, {"servers.min": "6"}, file(servers__max=4))
    assert "servers.min = 6" in caught.value.remedy


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("servers.min", "4", 4),
        ("servers.queue_timeout", "2.5", 2.5),
        ("servers.queue_timeout", "2", 2.0),
        ("balancer.strategy", "random", "random"),
        ("https.redirect", "false", False),
        ("https.domains", '["a.b", "c.d"]', ["a.b", "c.d"]),
        ("name", "12", "12"),
        ("warm_path", "/a?b=1", "/a?b=1"),
    ],
)
def test_values_as_they_are_typed(key: str, text: str, value: object) -> None:
    proposal = ordered(DEFAULT, {"servers.body_timeout": "9"}, key, text)
    assert flat(with_live(DEFAULT, proposal.live)) == flat(DEFAULT) | {key: value, "servers.body_timeout": 9}
    assert effects(proposal.changes) == EFFECTS[key]
    file_too = saved(DEFAULT, proposal.live, key)
    assert flat(file_too.file) == flat(DEFAULT) | {key: value}
    assert file_too.live == {"servers.body_timeout": "9"}


@pytest.mark.parametrize("key", [key for key in LIVE if flat(DEFAULT)[key] in (None, "")])
def test_what_needs_no_value_can_be_unset(key: str) -> None:
    before = file(**{key.replace(".", "__"): other(key)})
    if key in KINDS:
        return  # one of them has to be there
    proposal = ordered(before, {}, key, "")
    assert [(one.setting, one.new) for one in proposal.changes] == [(key, None)]
    assert flat(with_live(before, proposal.live)) == flat(DEFAULT)
    assert saved(before, proposal.live, key, "").file == DEFAULT


def test_what_was_set_after_the_file_was_written_stays() -> None:
    proposal = saved(DEFAULT, {"servers.min": "6"}, "servers.min", "5")
    assert (proposal.file.servers.min, proposal.live) == (5, {"servers.min": "6"})
    # A reload has read the file in between.
    assert saved(DEFAULT, {}, "servers.min", "5") == saved(DEFAULT, {}, "servers.max", "9")


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("balancer.strategy", "randm", '"least-connections", "round-robin" or "random", found "randm"'),
        ("servers.min", "", 'a whole number from 0 to 200, found ""'),
        ("servers.min", "many", 'a whole number from 0 to 200, found "many"'),
        ("servers.min", '"4"', 'a whole number from 0 to 200, found "4"'),
        ("servers.min", "4\nmax = 3", "a whole number from 0 to 200"),
        ("servers.max", "1", "at least 2, as many as servers.min, found 1"),
        ("https.domains", "a.b", "a list of texts"),
        ("warm_path", "no slash", "begins with / and has no spaces"),
        ("strategie", "random", "did you mean `balancer.strategy`"),
        ("listen.http", "80", "cannot be changed while the site runs"),
        ("user", "root", "is changed in seawall.toml"),
        ("environment", "{}", "is changed in seawall.toml"),
    ],
)
def test_what_set_refuses(key: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ordered(DEFAULT, {}, key, text)
    assert said in caught.value.problem


@given(
    st.text(max_size=30) | st.sampled_from(LIVE),
    st.text(max_size=20) | st.sampled_from(["1", "[[]]", "{a=1}", "nan", "1979-05-27"]),
)
def test_any_value_is_accepted_or_refused(key: str, text: str) -> None:
    try:
        proposal = ordered(DEFAULT, {}, key, text)
    except ConfigError:
        return
    assert {one.setting for one in proposal.changes} <= {key}
