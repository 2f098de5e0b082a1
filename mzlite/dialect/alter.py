"""Parses ALTER, DROP and COMMENT ON.

In: tokens, after the first word. Out: the statement objects.
"""

from __future__ import annotations

from typing import ClassVar

from mzlite.dialect import definitions as d
from mzlite.dialect import statements as s
from mzlite.dialect import tokens as t
from mzlite.dialect.option_values import boolean_option
from mzlite.dialect.sinks import SinkParser
from mzlite.dialect.statements import OptionValue
from mzlite.errors import syntax_error

_OBJECT_WORDS = (
    "TABLE", "VIEW", "MATERIALIZED", "SOURCE", "SINK", "INDEX", "TYPE", "ROLE", "USER", "CLUSTER", "SECRET",
    "CONNECTION", "DATABASE", "SCHEMA", "FUNCTION", "CONTINUAL", "NETWORK",
)  # fmt: skip
_COMMENT_WORDS = (
    "TABLE", "VIEW", "COLUMN", "MATERIALIZED", "SOURCE", "SINK", "INDEX", "FUNCTION", "CONNECTION", "TYPE", "SECRET",
    "ROLE", "DATABASE", "SCHEMA", "CLUSTER", "CONTINUAL", "NETWORK",
)  # fmt: skip
_SECOND_WORDS = {"MATERIALIZED": "VIEW", "CONTINUAL": "TASK", "NETWORK": "POLICY"}


class AlterParser(SinkParser):
    """Adds ALTER, DROP and COMMENT ON."""

    def object_type(self, *, optional: bool = False) -> str | None:
        """The words for a type of object, in lower case: "materialized view", "cluster replica" .."""
        word = self.take_one_of(*_OBJECT_WORDS) if optional else self.expect_one_of(*_OBJECT_WORDS)
        if word is None:
            return None
        if word in _SECOND_WORDS:
            if optional and not self.peek_keyword(_SECOND_WORDS[word]):
                self.index -= 1
                return None
            self.expect_keyword(_SECOND_WORDS[word])
            return f"{word} {_SECOND_WORDS[word]}".lower()
        if word == "CLUSTER" and self.take_keyword("REPLICA"):
            return "cluster replica"
        return "role" if word == "USER" else word.lower()

    def replica_name(self) -> s.Name:
        """cluster.replica."""
        cluster = self.identifier()
        self.expect(t.DOT)
        return (cluster, self.identifier())

    def object_name(self, object_type: str) -> s.Name:
        """A name as an object of this type has it."""
        if object_type in ("database", "role", "cluster", "network policy"):
            return (self.identifier(),)
        if object_type == "cluster replica":
            return self.replica_name()
        return self.identifiers()

    # ALTER -----------------------------------------------------------------

    def alter(self) -> s.Statement:
        """What follows ALTER."""
        if self.take_keyword("SYSTEM"):
            return self._alter_system()
        if self.take_keyword("DEFAULT", "PRIVILEGES"):
            return self.alter_default_privileges()
        object_type = self.object_type()
        assert object_type is not None
        if object_type == "role":
            return self._alter_role()
        if object_type == "network policy":
            policy = self.identifier()
            self.expect_keyword("SET")
            return d.AlterNetworkPolicy(self.statement_text(), policy, self.network_rules())
        if object_type in ("function", "subsource"):
            raise syntax_error(f"Unsupported ALTER on {object_type.upper()}")
        if_exists = self.if_exists()
        name = self.object_name(object_type)
        return self._alter_action(object_type, name, if_exists)

    def alter_default_privileges(self) -> s.Statement:
        """What follows ALTER DEFAULT PRIVILEGES; the parser of privileges has it."""
        raise NotImplementedError

    def _skip_rest(self, what: str) -> s.Statement:
        while self.kinds[self.index] not in (t.SEMICOLON, t.END):
            self.index += 1
        self.refuse(what)
        return s.Statement(self.statement_text())

    def _alter_system(self) -> s.Statement:
        if self.expect_one_of("SET", "RESET") == "SET":
            name = self.identifier()
            if not self.take_keyword("TO") and not self.take(t.EQ):
                raise self.expected("TO or equals sign")
            value = self.set_values()
        else:
            name = "all" if self.take_keyword("ALL") else self.identifier()
            value = None
        return d.AlterSystem(self.statement_text(), name, value)

    def set_values(self) -> str | None:
        """The values of a variable; the parser of variables has it."""
        raise NotImplementedError

    def _alter_role(self) -> s.Statement:
        name = self.identifier()
        word = self.take_one_of("SET", "RESET", "WITH")
        if word == "SET":
            variable = self.identifier()
            if not self.take_keyword("TO") and not self.take(t.EQ):
                raise self.expected("TO or equals sign")
            return d.AlterRole(self.statement_text(), name, (), variable, self.set_values())
        if word == "RESET":
            variable = self.identifier()
            return d.AlterRole(self.statement_text(), name, (), variable, None)
        attributes = self.role_attributes()
        return d.AlterRole(self.statement_text(), name, attributes, password=self.password)

    _ACTIONS: ClassVar[dict[str, tuple[str, ...]]] = {
        "cluster": ("OWNER", "RENAME", "RESET", "SET", "SWAP"),
        "cluster replica": ("OWNER", "RENAME"),
        "schema": ("OWNER", "RENAME", "SWAP"),
        "database": ("OWNER", "RENAME"),
        "type": ("OWNER",),
        "table": ("SET", "RENAME", "OWNER", "RESET", "ADD"),
        "view": ("SET", "RENAME", "OWNER", "RESET"),
        "materialized view": ("SET", "RENAME", "OWNER", "RESET", "APPLY"),
        "continual task": ("SET", "RENAME", "OWNER", "RESET"),
        "source": ("ADD", "DROP", "RESET", "SET", "RENAME", "OWNER", "REFRESH"),
        "sink": ("RESET", "SET", "RENAME", "OWNER"),
        "index": ("RESET", "SET", "RENAME", "OWNER"),
        "secret": ("AS", "RENAME", "OWNER"),
        "connection": ("RENAME", "OWNER", "ROTATE", "SET", "RESET", "DROP"),
    }

    def _alter_action(self, object_type: str, name: s.Name, if_exists: bool) -> s.Statement:
        actions = self._ACTIONS[object_type]
        if actions == ("OWNER",):
            self.expect_keyword("OWNER")
            action = "OWNER"
        else:
            action = self.expect_one_of(*(word for word in actions if word != "APPLY"))
        typed: s.ObjectType = object_type  # type: ignore[assignment]
        if action == "OWNER":
            self.expect_keyword("TO")
            owner = self.identifier()
            return d.AlterOwner(self.statement_text(), typed, name, owner, if_exists)
        if action == "RENAME":
            self.expect_keyword("TO")
            new_name = self.identifier()
            return d.AlterRename(self.statement_text(), typed, name, new_name, if_exists)
        if action == "SWAP":
            self.expect_keyword("WITH")
            other = self.identifier()
            return d.AlterSwap(self.statement_text(), typed, name, other)
        if object_type == "secret":
            value = self.relayed_expression()
            return d.AlterSecret(self.statement_text(), name, value, if_exists)
        if object_type == "connection":
            return self._alter_connection(name, action, if_exists)
        if action == "SET" and object_type != "cluster" and self.take_keyword("CLUSTER"):
            cluster = self.cluster_name()
            return d.AlterSetCluster(self.statement_text(), typed, name, cluster, if_exists)
        if object_type == "sink" and action == "SET" and self.take_keyword("FROM"):
            source = self.raw_name()
            return d.AlterSinkFrom(self.statement_text(), name, source, if_exists)
        if action in ("SET", "RESET"):
            return self._set_or_reset(typed, name, action, if_exists)
        if object_type == "table":
            return self._add_column()
        return self._alter_source(action)

    def _set_or_reset(self, object_type: s.ObjectType, name: s.Name, action: str, if_exists: bool) -> s.Statement:
        readers = {
            "cluster": (self.cluster_option, self.cluster_option_name),
            "source": (self.source_option, lambda: self.source_option_name()),
            "sink": (self.sink_option, self.sink_option_name),
        }
        option, option_name = readers.get(object_type, (self._retain_option, self._retain_name))
        options: dict[str, OptionValue]
        if action == "RESET":
            options = dict.fromkeys(self.parenthesized(option_name))
            return d.AlterSet(self.statement_text(), object_type, name, options, if_exists)
        options = dict(self.parenthesized(option))
        if object_type == "cluster":
            if self.take_keyword("WITH"):
                self.parenthesized(self._wait_option)
        elif "RETAIN HISTORY" in options:
            self.refuse("RETAIN HISTORY")
        return d.AlterSet(self.statement_text(), object_type, name, options, if_exists)

    def source_option_name(self) -> str:
        """The name of an option of WITH of a source."""
        return self.named_option({"TIMESTAMP": ("INTERVAL",), "RETAIN": ("HISTORY",)})

    def _retain_name(self) -> str:
        self.expect_keyword("RETAIN", "HISTORY")
        return "RETAIN HISTORY"

    def _retain_option(self) -> tuple[str, OptionValue]:
        return self._retain_name(), self.retain_history()

    def _wait_option(self) -> None:
        self.expect_one_of("WAIT")
        self.take(t.EQ)
        if self.expect_one_of("FOR", "UNTIL") == "FOR":
            self.literal()
            return
        self.expect_keyword("READY")
        self.take(t.EQ)
        self.options(self.simple_option({"TIMEOUT": (), "ON": ("TIMEOUT",)}))

    def _alter_connection(self, name: s.Name, action: str, if_exists: bool) -> s.Statement:
        self.index -= 1
        options: dict[str, OptionValue] = {}
        actions: list[tuple[str, str]] = []
        for action, option, value in self.comma_separated(self._connection_action):
            actions.append((action, option))
            options[option] = value
        with_options = self.with_options(self.simple_option({"VALIDATE": ()}))
        validate = boolean_option(with_options, "VALIDATE")
        if isinstance(validate, bool):
            options["VALIDATE"] = validate
        return d.AlterSet(self.statement_text(), "connection", name, options, if_exists, tuple(actions))

    def _connection_action(self) -> tuple[str, str, OptionValue]:
        word = self.expect_one_of("ROTATE", "SET", "RESET", "DROP")
        if word == "ROTATE":
            self.expect_keyword("KEYS")
            return "ROTATE", "KEYS", True
        self.expect(t.LPAREN)
        value: OptionValue = None
        if word == "SET":
            option, value = self.connection_option()
        else:
            option = self.connection_option_name()
        self.expect(t.RPAREN)
        return "SET" if word == "SET" else "RESET", option, value

    def _add_column(self) -> s.Statement:
        self.expect_keyword("COLUMN")
        self.if_not_exists()
        self.identifier()
        self.data_type()
        self.refuse("ALTER TABLE ADD COLUMN")
        return s.Statement(self.statement_text())

    def _alter_source(self, action: str) -> s.Statement:
        if action == "REFRESH":
            self.expect_keyword("REFERENCES")
        else:
            self.expect_one_of("SUBSOURCE", "TABLE")
        return self._skip_rest(f"ALTER SOURCE {action}")

    def network_rules(self) -> tuple[d.NetworkRule, ...]:
        """'(' RULES ['='] '(' name '(' option {',' ..} ')' {',' ..} ')' ')'."""
        self.expect(t.LPAREN)
        self.expect_keyword("RULES")
        self.take(t.EQ)
        self.expect(t.LPAREN)
        rules: list[d.NetworkRule] = []
        if self.kinds[self.index] != t.RPAREN:
            rules = self.comma_separated(self._network_rule)
        self.expect(t.RPAREN)
        self.expect(t.RPAREN)
        return tuple(rules)

    def _network_rule(self) -> d.NetworkRule:
        name = self.identifier()
        option = self.simple_option({"ACTION": (), "DIRECTION": (), "ADDRESS": ()})
        options = dict(self.parenthesized(option))
        return d.NetworkRule(name, options.get("ACTION"), options.get("DIRECTION"), options.get("ADDRESS"))

    # DROP ------------------------------------------------------------------

    def drop(self) -> s.Statement:
        """What follows DROP."""
        if self.take_keyword("OWNED"):
            return self.drop_owned()
        object_type = self.object_type()
        assert object_type is not None
        if_exists = self.if_exists()
        if object_type in ("function", "subsource"):
            raise syntax_error(f"Unsupported DROP on {object_type.upper()}")
        if object_type == "database":
            names = [self.object_name(object_type)]
        else:
            names = self.comma_separated(lambda: self.object_name(object_type))
        cascade = False
        if object_type not in ("role", "cluster replica", "network policy"):
            word = self.at_most_one_of(("CASCADE", "RESTRICT"), "DROP")
            # A database goes with everything in it unless RESTRICT is said.
            cascade = word == "CASCADE" or (object_type == "database" and word != "RESTRICT")
        return d.Drop(self.statement_text(), object_type, tuple(names), if_exists, cascade)  # type: ignore[arg-type]

    def drop_owned(self) -> s.Statement:
        """What follows DROP OWNED; the parser of privileges has it."""
        raise NotImplementedError

    # COMMENT ---------------------------------------------------------------

    def comment(self) -> s.Statement:
        """What follows COMMENT."""
        self.expect_keyword("ON")
        word = self.expect_one_of(*_COMMENT_WORDS)
        object_type = word.lower()
        if word in _SECOND_WORDS:
            self.expect_keyword(_SECOND_WORDS[word])
            object_type = f"{word} {_SECOND_WORDS[word]}".lower()
        elif word == "CLUSTER" and self.take_keyword("REPLICA"):
            object_type = "cluster replica"
        if word == "COLUMN":
            name = self._column_name()
        elif word == "TYPE":
            name = self.data_type().name
        elif word in ("ROLE", "DATABASE") or object_type == "network policy":
            name = (self.identifier(),)
        elif object_type == "cluster":
            name = (self.cluster_name(),)
        elif object_type == "cluster replica":
            name = self.replica_name()
        else:
            name = self.raw_name()
        self.expect_keyword("IS")
        comment: str | None = None
        if self.kinds[self.index] == t.STRING:
            comment = self.literal_string()
        elif not self.take_keyword("NULL"):
            raise self.expected("NULL or literal string")
        return d.Comment(self.statement_text(), object_type, name, comment)  # type: ignore[arg-type]

    def _column_name(self) -> s.Name:
        bracketed = self.kinds[self.index] == t.LBRACKET
        name = self.raw_name()
        if bracketed:
            self.expect(t.DOT)
            return (*name, self.identifier())
        if len(name) < 2:
            raise syntax_error("need to specify an object and a column")
        return name
