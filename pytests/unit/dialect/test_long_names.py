"""Names that PostgreSQL would cut off: what stands for them inside, and that nothing else does."""

from __future__ import annotations

import pytest

from mzlite.dialect.databases import physical_schema
from mzlite.dialect.tokens import tokenize, with_short_names
from mzlite.errors import MzError
from mzlite.long_names import MAX_BYTES, digest, inner_name, is_long, joined, restored, short, short_in_string, whole

A, B = "a" * 63 + "1", "a" * 63 + "2"


def shortened(sql: str) -> str:
    return with_short_names(tokenize(sql)).text


def test_names_that_share_what_postgresql_keeps_have_two_short_ones() -> None:
    names = [A, B, "a" * 254, "a" * 255, '"' * 64, "é" * 32, "é" * 31 + "ee", A.upper()]
    assert len({short(name) for name in names}) == len(names)
    assert all(len(short(name).encode()) <= 63 for name in names)
    assert [whole(short(name)) for name in names] == names


def test_63_bytes_stand_for_themselves() -> None:
    for name in ("a" * 63, "é" * 31, ""):
        assert short(name) == inner_name(name) == name
    assert is_long("é" * 32)


def test_a_name_that_looks_like_a_short_one_is_not_taken_for_it() -> None:
    assert short(short(A)) != short(A)
    assert shortened(f"select {short(A)}, {A}") == f"select {short(short(A))}, {short(A)}"
    assert whole(short(short(A))) == short(A)


def test_the_text_has_short_names_and_nothing_else_changes() -> None:
    text = f"select t.{A}, '{A}' /* {A} */ as \"{B}\" from {A.upper()} t -- {A}"
    assert shortened(text) == (f"select t.{short(A)}, '{A}' /* {A} */ as \"{short(B)}\" from {short(A)} t -- {A}")
    plain = 'select "a b", "x""y" from t'
    assert shortened(plain) == plain


@pytest.mark.parametrize(("name", "quoted"), [(A, False), ("é" * 40, True), ("A" * 70, True), ("a b" * 30, True)])
def test_a_short_name_is_quoted_where_the_whole_one_is(name: str, quoted: bool) -> None:
    assert shortened(f'select "{name}"') == f'select "{short(name)}"'
    assert ("~" in short(name)) is quoted
    if name.isalpha() and name.islower() and quoted:
        # Bare it is a name too, but not for PostgreSQL.
        assert shortened(f"select {name}") == f'select "{short(name)}"'


def test_texts_get_whole_names() -> None:
    odd = 'q"' * 40
    assert restored(f'column "{short(A)}" does not exist') == f'column "{A}" does not exist'
    assert restored(f"{short(A)}.{short(B)}_idx") == f"{A}.{B}_idx"
    assert restored(f'select "{short(odd)}"') == 'select "' + odd.replace('"', '""') + '"'
    unknown = digest("nobody has ever said this")
    assert restored(f"{unknown} long ago") == f"{unknown} long ago"


def test_the_limit_is_materializes() -> None:
    tokenize("select " + "x" * MAX_BYTES)
    for name in ("x" * (MAX_BYTES + 1), '"' + "é" * 128 + '"'):
        with pytest.raises(MzError, match="identifier length exceeds 255 bytes") as caught:
            tokenize(f"select {name}")
        assert caught.value.sqlstate == "42601"


def test_names_made_of_names() -> None:
    assert whole(joined(short(A), "_progress")) == f"{A}_progress"
    assert whole(joined(short("é" * 127), "_progress")) == "é" * 123 + "_progress"
    assert short_in_string(f'public."{A}"') == f'"public"."{short(A)}"'
    assert short_in_string("public.t" + " " * 60) == "public.t" + " " * 60


def test_a_database_and_a_schema_fit_together() -> None:
    names = [("d" * 40, "s" * 40), ("d" * 40, "s" * 39 + "t"), (short(A), short(B)), (short(B), short(B))]
    physical = [physical_schema(*name) for name in names]
    assert len(set(physical)) == len(names)
    assert all(len(name) <= 63 for name in physical)
    assert [whole(name) for name in physical] == [".".join(name) for name in names]
    assert restored(physical_schema(short(A), short(B))) == f"{A}.{B}"
