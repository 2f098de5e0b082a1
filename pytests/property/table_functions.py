"""Random calls of table functions in FROM.

In: the columns before them. Out: SQL of the call with the columns that it makes, under a new alias.
"""

from __future__ import annotations

from pytests.property.choices import Choices
from pytests.property.expressions import Expressions, Ref, Scope
from pytests.property.kinds import ORDERED, TYPES


class TableFunctions:
    """Makes calls of table functions."""

    def __init__(self, choices: Choices, expressions: Expressions) -> None:
        self.choices, self.expressions = choices, expressions

    def call(self, scope: Scope) -> tuple[str, list[Ref]]:
        """A call, two side by side in ROWS FROM, or one with its rows numbered."""
        choices = self.choices
        alias = choices.name("f")
        text, kinds = self._one(scope)
        if choices.chance(12):
            other, more = self._one(scope)
            text, kinds = f"rows from ({text}, {other})", [*kinds, *more]
        refs = [Ref(f"{alias}.x{place}", kind, kind != "js") for place, kind in enumerate(kinds)]
        if choices.chance(25):
            text += " with ordinality"
            refs.append(Ref(f"{alias}.n", "big"))
        return text, refs

    def _one(self, scope: Scope) -> tuple[str, list[str]]:
        choices, expressions = self.choices, self.expressions
        shape = expressions.column(scope, ("js",), exact=True)
        collection = expressions.column(scope, ("lst", "tls", "ll", "arr", "map"))
        form = choices.number(0, 11)
        if form >= 10:
            text = expressions.value(scope, "txt", 0).sql
            kinds = expressions.column(scope, ("arr",))
            calls = [
                (f"regexp_extract('(?P<x>a)(b)?', {text})", ["txt", "txt"]),
                (f"csv_extract(2, {text} || ',b')", ["txt", "txt"]),
                (f"unnest(string_to_array({text}, 'a'))", ["txt"]),
            ]
            if kinds is not None:
                calls.append((f"generate_subscripts({kinds.sql}, 1)", ["int"]))
            return choices.pick(calls)
        if form <= 3 and shape is not None:
            return (
                (f"jsonb_array_elements({shape.sql} -> 'b')", ["js"]),
                (f"jsonb_each({shape.sql})", ["txt", "js"]),
                (f"jsonb_object_keys({shape.sql})", ["txt"]),
                (f"jsonb_array_elements_text({shape.sql} -> 'b')", ["txt"]),
            )[form]
        if form >= 6 and collection is not None:
            kinds = {"lst": ["int"], "tls": ["txt"], "ll": ["lst"], "arr": ["int"], "map": ["txt", "int"]}[
                collection.kind
            ]
            return f"unnest({collection.sql})", kinds
        if form == 4:
            text = expressions.value(scope, "txt", 0).sql
            return f"regexp_split_to_table({text}, 'a')", ["txt"]
        if form == 5:
            kind = choices.pick(ORDERED)
            items = ", ".join(expressions.value(scope, kind, 0).sql for _ in range(choices.number(1, 3)))
            return f"unnest(array[{items}]::{TYPES[kind]}[])", [kind]
        if form == 3 and (ref := expressions.column(scope, ("ts",))) is not None:
            return f"generate_series({ref.sql}, {ref.sql} + interval '1 hour', interval '30 minutes')", ["ts"]
        return f"generate_series(1, abs({expressions.value(scope, 'int', 0).sql} % 4))", ["int"]
