"""Every kind of file that people have: the right texts, or one line that names place and remedy."""

import gzip
import io
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor.texts import folders
from mlmtutor.texts.reading import Reading, read_texts

LATIN = "Le café était très agréable, l'été dernier à Orléans.\n" * 3
CHINESE = "这部电影很好看，演员的表演也非常出色。\n医生说患者需要复查。\n"
TRADITIONAL = "這部電影很好看，演員的表演也非常出色。\n"
JAPANESE = "この映画はとても面白かったです。俳優の演技も素晴らしい。\n"
RUSSIAN = "Этот фильм очень хороший, актёры играют отлично.\n" * 5


def as_bytes(content):
    return content.encode() if isinstance(content, str) else content


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(content))
    return folder


def read(folder, name, content, **options):
    return read_texts(write(folder, {name: content}) / name, **options)


def as_parquet(table, **options):
    buffer = io.BytesIO()
    pq.write_table(pa.table(table) if isinstance(table, dict) else table, buffer, **options)
    return buffer.getvalue()


def as_json_lines(*rows):
    return "\n".join(map(json.dumps, rows))


LONG = "word " * 450_000
DEEP = '{"text": ' + "[" * 5_000 + "]" * 5_000 + "}"
PARQUET = as_parquet({"text": ["A film.", "A law."]})

TEXTS = [
    # how a .txt is cut
    ("paragraphs.txt", "One\nparagraph.\n\n  \nAnother.\n", ["One\nparagraph.", "Another."]),
    ("bom.txt", b"\xef\xbb\xbfOne.\nTwo.", ["One.", "Two."]),
    ("crlf.txt", "One.\r\nTwo.\r\n\r\n", ["One.", "Two."]),
    ("cr.txt", "One.\rTwo.\r", ["One.", "Two."]),
    ("UPPER.TXT", "One.\nTwo.", ["One.", "Two."]),
    ("text.md", "# Title\n\nOne.", ["# Title", "One."]),
    ("separators.txt", "One\u2028still one.\nTwo\x85still.\nThree\fstill.", ["One\u2028still one.", "Two\x85still.", "Three\fstill."]),
    # encodings that say themselves what they are
    ("utf16.txt", "Café.\nTwo.".encode("utf-16"), ["Café.", "Two."]),
    ("utf16be.txt", b"\xfe\xff" + "Café.".encode("utf-16-be"), ["Café."]),
    ("utf16_no_bom.txt", "A film.\nTwo.".encode("utf-16-le"), ["A film.", "Two."]),
    ("utf16be_no_bom.txt", "A film.\nTwo.".encode("utf-16-be"), ["A film.", "Two."]),
    ("utf32.txt", "Café.\nTwo.".encode("utf-32"), ["Café.", "Two."]),
    ("utf16.csv", "id\ttext\n1\tCafé.".encode("utf-16"), ["Café."]),
    ("utf16.jsonl", '{"text": "Café."}'.encode("utf-16"), ["Café."]),
    ("bom.csv", b"\xef\xbb\xbftext,id\nCaf\xc3\xa9.,1", ["Café."]),
    ("bom.jsonl", b'\xef\xbb\xbf{"text": "One."}', ["One."]),
    # packed, or only called so
    ("x.txt.gz", gzip.compress(b"One.\nTwo."), ["One.", "Two."]),
    ("x.jsonl.GZ", gzip.compress(b'{"text": "One."}'), ["One."]),
    ("x.parquet.gz", gzip.compress(PARQUET), ["A film.", "A law."]),
    ("plain.txt.gz", "One.\nTwo.", ["One.", "Two."]),
    ("packed.csv", gzip.compress(b"text\nOne."), ["One."]),
    # separated tables
    ("ok.csv", 'id,text\n1,"a ""quoted"", text\nof two lines"\n2,B.', ['a "quoted", text\nof two lines', "B."]),
    ("crlf.csv", "text,id\r\nA.,1\r\n\r\nB.,2\r\n", ["A.", "B."]),
    ("cr.csv", "text,id\rA.,1\rB.,2\r", ["A.", "B."]),
    ("semicolon.csv", "id;text\n1;A, b.\n", ["A, b."]),
    ("tab.csv", "id\ttext\n1\tA, b.\n", ["A, b."]),
    ("bar.csv", "id|text\n1|A, b.\n", ["A, b."]),
    ("excel.csv", "sep=;\r\nid;text\r\n1;A.\r\n", ["A."]),
    ("x.tsv", "id\ttext\n1\tShe said \"hi\", then left.\n", ['She said "hi", then left.']),
    ("comma.tsv", "id,text\n1,A.\n", ["A."]),
    ("spaces.csv", 'id, text\n1, "A, b."\n', ["A, b."]),
    ("inches.csv", 'id,text\n1,a 5" disk\n', ['a 5" disk']),
    ("double_other.csv", "id,id,text\n1,2,A.\n", ["A."]),
    ("huge.csv", f"text,id\n{LONG},1\nshort,2", [LONG.strip(), "short"]),
    ("mixed_numbers.csv", "text,id\n10,1\nA.,x\n", ["10", "A."]),
    ("late_words.csv", "text,score\n" + "A.,1\n" * 9_000 + "B.,many\n", ["A."] * 9_000 + ["B."]),
    ("nulls.csv", "text,id\nA.,1\n,2\n  ,3\n", ["A."]),
    ("words.csv", "text\nNA\nyes\n", ["NA", "yes"]),
    ("letters.csv", "text,id\nz,1\nTe,2\n...,3\n", ["z", "Te", "..."]),
    # JSON
    ("ok.jsonl", as_json_lines({"text": "A."}, {"text": None}, {"id": 3}, {"text": " "}), ["A."]),
    ("x.ndjson", as_json_lines({"text": "A."}), ["A."]),
    ("blank_lines.jsonl", '\n\n{"text": "A."}\n\n', ["A."]),
    ("array.jsonl", '[{"text": "A."}, {"text": "B."}]', ["A.", "B."]),
    ("x.json", json.dumps([{"text": "A."}, {"text": "B."}], indent=2), ["A.", "B."]),
    ("lines.json", as_json_lines({"text": "A."}, {"text": "B."}), ["A.", "B."]),
    ("pretty.jsonl", '{\n  "text": "A."\n}\n{\n  "text": "B."\n}', ["A.", "B."]),
    ("strings.json", '["A.", null, "B."]', ["A.", "B."]),
    ("strings.jsonl", '"A."\n"B."', ["A.", "B."]),
    ("huge.jsonl", as_json_lines({"text": LONG}, {"text": "short"}), [LONG.strip(), "short"]),
    ("mixed.jsonl", as_json_lines({"text": "A.", "label": 1}, {"text": "B.", "label": "pos"}), ["A.", "B."]),
    ("ragged.jsonl", as_json_lines({"text": "A.", "meta": {"a": [1]}}, {"text": "B.", "meta": [{}]}), ["A.", "B."]),
    ("dates.jsonl", as_json_lines({"text": "2024-01-01"}), ["2024-01-01"]),
    ("big_number.jsonl", '{"text": "A.", "id": ' + "9" * 5_000 + "}", ["A."]),
    ("double_other.jsonl", '{"id": 1, "id": 2, "text": "A."}', ["A."]),
    ("nested_double.jsonl", '{"meta": {"text": 1, "text": 2}, "text": "A."}', ["A."]),
    # Parquet
    ("ok.parquet", PARQUET, ["A film.", "A law."]),
    ("null.parquet", as_parquet({"text": ["A.", None]}), ["A."]),
    ("dict.parquet", as_parquet({"text": pa.array(["A.", "A."]).dictionary_encode()}), ["A.", "A."]),
    ("large.parquet", as_parquet({"text": pa.array(["A."], pa.large_string())}), ["A."]),
    ("view.parquet", as_parquet({"text": pa.array(["A."], pa.string_view())}), ["A."]),
    ("other.parquet", as_parquet({"meta": [{"text": 1}], "text": ["A."]}), ["A."]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "texts"), TEXTS, ids=[name for name, *_ in TEXTS])
def test_texts_are_read_as_they_stand(tmp_path, name, content, texts):
    reading = read(tmp_path, name, content)
    assert reading.texts == texts
    assert reading.doubts == ()
    assert reading.source == name


DAMAGED = [
    # no text, or not in Unicode
    ("gbk.txt", CHINESE.encode("gbk"), "expected UTF-8 text in 'gbk.txt', found other bytes at 0, .*--encoding gb18030"),
    ("gbk.csv", ("text,id\n" + CHINESE.replace("\n", ",1\n")).encode("gbk"), "'gbk.csv', found other bytes at 8, perhaps gb18030"),
    ("gbk.jsonl", ('{"text": "' + TRADITIONAL.strip() + '"}').encode("gbk"), "'gbk.jsonl', found other bytes at 10, perhaps"),
    ("big5.txt", TRADITIONAL.encode("big5"), "perhaps big5: save it as UTF-8"),
    ("sjis.txt", JAPANESE.encode("cp932"), "perhaps .*cp932"),
    ("jis.txt", JAPANESE.encode("iso2022_jp"), "found escapes of another encoding, perhaps iso2022_jp"),
    ("euc_jp.txt", JAPANESE.encode("euc_jp"), "perhaps .*euc_jp"),
    ("cp1251.csv", ("text\n" + RUSSIAN).encode("cp1251"), "perhaps cp1251"),
    ("latin1.txt", LATIN.encode("latin-1"), "found other bytes at 6, perhaps .*cp1252"),
    ("latin1.csv", ("text;id\n" + LATIN.replace("\n", ";1\n")).encode("latin-1"), "found other bytes at 14, perhaps .*cp1252"),
    ("latin1.jsonl", '{"text": "café"}'.encode("latin-1"), "'latin1.jsonl', found other bytes at 13"),
    ("utf16_odd.txt", b"\xff\xfea", "expected UTF-16 text in 'utf16_odd.txt', found other bytes"),
    ("utf16_chinese.txt", CHINESE.encode("utf-16-le"), "perhaps utf-16-le"),
    ("utf32_no_bom.txt", LATIN.encode("utf-32-le"), "found other bytes at 24: save it as UTF-8, or name its encoding"),
    ("nul.txt", "A film.\nA \0 law.", "found binary data"),
    ("nul.csv", "text\nA \0 law.", "found binary data"),
    ("controls.txt", "\x01\x02\x03\x04film" * 50, "found binary data"),
    ("png.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "found an image: save it as text"),
    ("pdf.txt", "%PDF-1.4\nstream", "found a PDF"),
    ("docx.csv", b"PK\x03\x04" + bytes(50), "found a zip archive, as .docx and .xlsx are"),
    ("parquet.txt", PARQUET, "found a Parquet table"),
    ("pointer.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 440449768\n", "git lfs pull"),
    ("twice.txt.gz", gzip.compress(gzip.compress(b"One.")), "found a compressed file"),
    ("cut.txt.gz", gzip.compress(b"One. " * 500)[:40], "expected gzip data in 'cut.txt.gz', found it damaged"),
    ("flip.csv.gz", gzip.compress(b"text\nOne.")[:-6] + b"xxxxxx", "expected gzip data in 'flip.csv.gz'"),
    # nothing in it
    *((f"empty{kind}", b"", "found it empty") for kind in folders.KINDS),
    ("space.txt", " \n\t\n", "found it empty"),
    ("header.csv", "text,id\n", "found it empty"),
    ("nulls.jsonl", as_json_lines({"text": None}), "found it empty"),
    ("nothing.json", "[]", "found it empty"),
    ("rows.parquet", as_parquet({"text": pa.array([], pa.string())}), "found it empty"),
    ("null_type.parquet", as_parquet({"text": [None]}), "found it empty"),
    # another column
    ("cols.csv", "id,body\n1,A.", r"expected the column 'text' in 'cols.csv', found 'id', 'body': name the one"),
    ("upper.csv", "id,Text\n1,A.", r"found 'id', 'Text': did you mean text_column='Text'\?"),
    ("near.jsonl", as_json_lines({"id": 1, "texts": "A."}), r"found 'id', 'texts': did you mean text_column='texts'"),
    ("chinese.csv", "文本,label\nA.,1", "found '文本', 'label'"),
    ("cols.parquet", as_parquet({"content": ["A."]}), "expected the column 'text' in 'cols.parquet', found 'content'"),
    ("many.csv", ",".join(f"a_long_name_of_a_column_{i}" for i in range(500)), "and 497 more"),
    ("no_header.csv", "word " * 20_000 + ",1\nB.,2", "found a text there: add the name 'text' above the texts"),
    ("title.csv", "a\x1b]0;title\x07\n" + "A film.\n" * 9, r"found 'a\\x1b\]0', 'title\\x07'"),
    ("html.csv", "<!DOCTYPE html>\n<html></html>", "expected the column 'text' in 'html.csv', found '<!DOCTYPE"),
    ("double.csv", "text,text\nA.,B.", "expected one column 'text' in 'double.csv', found 2"),
    ("double_space.csv", " text,text \nA.,B.", "expected one column 'text' in 'double_space.csv', found 2"),
    ("double.parquet", as_parquet(pa.Table.from_arrays([pa.array(["A."])] * 2, names=["text", "text"])), "expected one column"),
    ("double.jsonl", '{"text": "A."}\n{"text": "B.", "text": "C."}', "found the name twice in row 2"),
    ("no_names.jsonl", "{}\n{}", "expected the column 'text' in 'no_names.jsonl', found none"),
    # no texts in the column
    ("numbers.csv", "id,text\na,1\nb,2.5\n", "column 'text' of 'numbers.csv', found '1' and the like in all rows"),
    ("bools.csv", "text\nTrue\nFALSE\n", "found 'True' and the like"),
    ("dates.csv", "text\n2024-01-02\n2024-01-03T10:00:00Z\n", "found '2024-01-02' and the like"),
    ("number.jsonl", as_json_lines({"text": "A."}, {"text": 3}), "column 'text' of 'number.jsonl', found float 3.0 in row 2"),
    ("bool.jsonl", as_json_lines({"text": True}), "found bool True in row 1"),
    ("nan.jsonl", '{"text": NaN}', "found float nan in row 1"),
    ("list.jsonl", as_json_lines({"text": ["A."]}), r"found list \['A.'\] in row 1"),
    ("nested.jsonl", as_json_lines({"text": {"body": LONG}}), "found dict {'body': .* in row 1"),
    ("numbers.json", "[1, 2]", "expected an object with names and values in row 1 of 'numbers.json', found float 1.0"),
    ("lists.jsonl", '["A."]\n["B."]', "in row 1 of 'lists.jsonl', found list"),
    ("strings_and_objects.json", '["A.", {"text": "B."}]', "expected a string in row 2 .*found dict"),
    ("ints.parquet", as_parquet({"text": [1]}), "column 'text' of 'ints.parquet', found values of type int64"),
    ("binary.parquet", as_parquet({"text": [b"A."]}), "found values of type binary"),
    ("struct.parquet", as_parquet({"text": [{"a": "A."}]}), "found values of type struct"),
    ("list.parquet", as_parquet({"text": [["A."]]}), "found values of type list"),
    # damaged
    ("ragged.csv", "id,text\n1,A.\n2,a,b\n", r"expected 2 fields in row 2 \(line 3\) of 'ragged.csv', found 3: .* a comma"),
    ("no_quotes.csv", "text\nHello, world\n", "found 2: put texts that hold a comma between quotation marks"),
    ("cut.csv", 'id,text\n1,A.\n2', r"expected 2 fields in row 2 \(line 3\) of 'cut.csv', found 1"),
    ("unclosed.csv", "id,text\n" + "".join(f'{i},"Good\n' if i == 250 else f"{i},A.\n" for i in range(500)), r"row 251 \(line 252\) of 'unclosed.csv', found one that is not closed"),
    ("unclosed_then.csv", 'id,text\n1,"Good\n2,A.\n3,"B."\n', r"in row 1 \(line 2\) of 'unclosed_then.csv', found a single one"),
    ("unclosed_header.csv", '"text,id\nA.,1\n', "of 'unclosed_header.csv', found one that is not closed"),
    ("backslash.csv", 'id,text\n1,"a \\"b\\" c"\n', "found a single one inside a text"),
    ("cut.jsonl", '{"text": "A."}\n{"text": "B', "expected JSON in 'cut.jsonl', found it damaged in row 2, line 2, column 10"),
    ("quotes.jsonl", "{'text': 'A.'}", "expected JSON in 'quotes.jsonl', found it damaged in row 1"),
    ("commas.jsonl", '{"text": "A."},\n{"text": "B."}', "found it damaged in row 2, line 1, column 15"),
    ("deep.jsonl", DEEP, "found too many brackets within each other in row 1"),
    ("deep_list.jsonl", '{"text": ' + "[" * 200 + "]" * 200 + "}", "found list .* in row 1"),
    ("surrogate.jsonl", '{"text": "A."}\n{"text": "\\ud83d"}', "found half a surrogate pair in row 2"),
    ("reversed.jsonl", '{"text": "\\ude00\\ud83d"}', "found half a surrogate pair in row 1"),
    ("cut.parquet", PARQUET[:-30], "expected a Parquet table in 'cut.parquet', found it damaged"),
    ("short.parquet", b"PAR1", "expected a Parquet table in 'short.parquet', found it damaged"),
    ("text.parquet", "text\nA.", "expected a Parquet table in 'text.parquet', found it damaged"),
    ("flip.parquet", PARQUET[:10] + b"\xff" * 20 + PARQUET[30:], "expected a Parquet table in 'flip.parquet'"),
    ("footer.parquet", PARQUET[:-60] + b"\xff" * 40 + PARQUET[-20:], "expected a Parquet table in 'footer.parquet'"),
    ("utf8.parquet", as_parquet({"text": pa.array([b"\xff\xfe"]).view(pa.string())}), "expected a Parquet table in 'utf8.parquet'"),
    # other kinds
    ("book.pdf", "x", "expected a file of kind .txt, .md, .*found .*book.pdf"),
    ("noext", "x", "expected a file of kind .txt"),
    ("corpus.gz", gzip.compress(b"x"), "expected a file of kind .txt"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), DAMAGED, ids=[name for name, *_ in DAMAGED])
def test_damage_is_one_line_with_the_place(tmp_path, name, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, name, content)
    assert type(caught.value) is ValueError  # not one of a library
    assert len(str(caught.value)) <= 300 + len(str(tmp_path))
    assert str(caught.value).isprintable()


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
readable = st.lists(words, min_size=1, max_size=8).filter(lambda texts: any(text.strip() for text in texts))
unicode_encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"])


def rows_of(texts):
    return [{"id": number, "text": text} for number, text in enumerate(texts)]


def as_separated(texts, separator):
    quoted = ['"' + text.replace('"', '""') + '"' for text in texts]
    return "\r\n".join([f"id{separator}text", *(f"{i}{separator}{text}" for i, text in enumerate(quoted))])


WRITERS = {
    "a.txt": "\n".join,
    "a.csv": lambda texts: as_separated(texts, ","),
    "semicolon.csv": lambda texts: as_separated(texts, ";"),
    "a.tsv": lambda texts: as_separated(texts, "\t"),
    "a.jsonl": lambda texts: as_json_lines(*rows_of(texts)),
    "a.json": lambda texts: json.dumps(rows_of(texts), ensure_ascii=False, indent=1),
}


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    name=st.sampled_from(sorted(WRITERS)), texts=readable, encoding=unicode_encodings, packed=st.booleans()
)
def test_what_was_written_is_read_back(tmp_path_factory, name, texts, encoding, packed):
    texts = ["a word", *texts]  # a column of numbers alone is refused
    data = WRITERS[name](texts).encode(encoding)
    folder = tmp_path_factory.mktemp("written")
    name, data = (f"{name}.gz", gzip.compress(data)) if packed else (name, data)
    reading = read(folder, name, data, cut="lines")
    assert reading.texts == [text.strip() for text in texts if text.strip()]


@settings(deadline=None, derandomize=True, max_examples=20)
@given(texts=readable)
def test_parquet_is_read_back(tmp_path_factory, texts):
    reading = read(tmp_path_factory.mktemp("parquet"), "a.parquet", as_parquet({"text": texts, "id": texts}))
    assert reading.texts == [text.strip() for text in texts if text.strip()]
    assert reading.num_empty == sum(not text.strip() for text in texts)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    data=st.binary(max_size=200) | st.text('[]{}":,;text\\ \n01', max_size=60).map(str.encode),
    kind=st.sampled_from(folders.KINDS),
)
def test_any_bytes_are_read_or_refused_in_one_short_line(tmp_path_factory, data, kind):
    folder = tmp_path_factory.mktemp("bytes")
    try:
        assert all(text == text.strip() != "" for text in read(folder, f"a{kind}", data).texts)
    except ValueError as error:
        assert type(error) is ValueError
        assert len(str(error)) <= 300 + len(str(folder))
        assert str(error).isprintable()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("gbk", CHINESE), ("gb18030", CHINESE), ("big5", TRADITIONAL), ("cp932", JAPANESE), ("cp1251", RUSSIAN), ("utf-16-le", LATIN)],
)  # fmt: skip
def test_encoding_that_is_named_is_used_and_told(tmp_path, encoding, text):
    lines = [line for line in text.splitlines() if line]
    table = "text\tid\n" + "".join(f"{line}\t1\n" for line in lines)
    rows = "\n".join(json.dumps({"text": line}, ensure_ascii=False) for line in lines)
    for name, content in {"a.txt": text, "a.tsv": table, "a.jsonl": rows}.items():
        reading = read(tmp_path, name, content.encode(encoding), encoding=encoding)
        assert reading.texts == lines
        assert reading.encodings == {name: encoding}
        assert f"decoded: 1 {encoding} ({name})" in str(reading)
        assert reading.doubts == ()


@pytest.mark.parametrize("encoding", ["gbkk", "rot13", "base64", "", "a\0b", "x" * 500, "undefined"])
def test_unknown_encoding_is_an_error(tmp_path, encoding):
    with pytest.raises(ValueError, match="expected the name of a text encoding") as caught:
        read(tmp_path, "a.txt", "A.", encoding=encoding)
    assert len(str(caught.value)) <= 300


def test_wrong_encoding_is_an_error_or_doubtful(tmp_path):
    with pytest.raises(ValueError, match="expected ASCII text in 'a.txt', found other bytes at 0"):
        read(tmp_path, "a.txt", CHINESE.encode("gbk"), encoding="ascii")
    (doubt, *_) = read(tmp_path, "b.txt", "Ein Büro.", encoding="cp1250").doubts
    assert "'b.txt' is valid UTF-8, but was read as cp1250" in doubt


def test_texts_that_were_decoded_wrongly_before_are_doubtful(tmp_path):
    for text in (
        "a caf\ufffd and a caf\ufffd",
        LATIN.encode().decode("latin-1"),
        "It’s.".encode().decode("cp1252"),
    ):
        assert "look wrongly decoded" in str(read(tmp_path, "a.txt", text)), text
    assert read(tmp_path, "a.txt", LATIN + "word " * 500 + "\ufffd").doubts == ()


def test_field_that_swallowed_rows_is_doubtful(tmp_path):
    rows = [f"{i},A text." for i in range(10)]
    rows[2], rows[7] = '2,"Good morning', '7,Good night"'
    reading = read(tmp_path, "a.csv", "\n".join(["id,text", *rows]))
    assert len(reading.texts) == 5
    assert "field in row 3 of 'a.csv' holds lines that look like rows" in reading.doubts[0]
    poem = (
        '1,"' + "\n".join(["Roses are red,", "violets, they say, are blue", "and so", "are you", "too"]) + '"'
    )
    assert read(tmp_path, "b.csv", f"id,text\n{poem}").doubts == ()


LISTS = {
    "one blank line": ["Line."] * 100 + [""] + ["Line."] * 50,
    "a title": ["My corpus", ""] + ["Line."] * 30,
    "a blank line near the end": ["Line."] * 4_000 + [""] + ["Line."] * 10,
    "no blank line": ["Line."] * 3,
}


@pytest.mark.parametrize("lines", LISTS.values(), ids=LISTS)
def test_list_of_lines_stays_one_with_a_few_blank_lines(tmp_path, lines):
    reading = read(tmp_path, "a.txt", "\n".join(lines))
    assert reading.texts == [line for line in lines if line]
    assert reading.cut == "lines"
    assert ".txt cut into lines" in str(reading)


def test_paragraphs_of_a_few_lines_are_texts(tmp_path):
    paragraphs = ["\n".join(["A line of prose that was wrapped"] * 6)] * 20
    reading = read(tmp_path, "a.txt", "\n\n".join(paragraphs))
    assert (reading.texts, reading.cut, reading.doubts) == (paragraphs, "paragraphs", ())


def test_cut_that_is_not_clear_is_doubtful(tmp_path):
    title = read(tmp_path, "a.txt", "\n".join(["Title", "", *["Line."] * 12]))
    assert (len(title.texts), "but 12 of its 13 lines are in one" in title.doubts[0]) == (2, True)
    wrapped = read(tmp_path, "b.txt", "\n\n".join(["\n".join(["Line."] * 15)] * 6))
    assert (len(wrapped.texts), "but has 6 paragraphs" in wrapped.doubts[0]) == (90, True)


@pytest.mark.parametrize(("cut", "number"), [("paragraphs", 2), ("lines", 3), ("whole", 1)])
def test_cut_can_be_chosen(tmp_path, cut, number):
    reading = read(tmp_path, "a.txt", "One\nparagraph.\n\nAnother.", cut=cut)
    assert (len(reading.texts), reading.cut, reading.doubts) == (number, cut, ())
    with pytest.raises(ValueError, match="cut must be 'auto', .*got 'pages'"):
        read_texts(tmp_path, cut="pages")


def test_files_of_a_folder_are_texts(tmp_path):
    write(tmp_path, {"b.txt": "Second.\n\nStill second.", "a.txt": "First.", "below/c.md": "Third."})
    reading = read_texts(tmp_path)
    assert reading.texts == ["First.", "Second.\n\nStill second.", "Third."]
    assert str(reading) == "3 files (2 .txt, 1 .md), 3 texts; each .txt is one text"
    assert read_texts(tmp_path, cut="paragraphs").texts == ["First.", "Second.", "Still second.", "Third."]


def test_single_txt_in_a_folder_is_cut_as_it_would_be_alone(tmp_path):
    write(tmp_path, {"corpus.txt": "\n\n".join(["A paragraph."] * 40), "table.csv": "text\nA row."})
    reading = read_texts(tmp_path)
    assert len(reading.texts) == 41
    assert str(reading) == "2 files (1 .txt, 1 .csv), 41 texts; .txt cut into paragraphs"


def test_few_large_files_are_doubtful_as_one_text_each(tmp_path):
    write(tmp_path, {name: "\n".join(["Line."] * 100) for name in ("train.txt", "test.txt")})
    (doubt,) = read_texts(tmp_path).doubts
    assert "each of 2 .txt files is one text, but they hold 200 paragraphs or lines" in doubt


def test_what_is_not_read_is_counted_and_named(tmp_path):
    write(
        tmp_path,
        {"a.txt": "A.", "b.txt": "B.", ".git/x.txt": "x", "._a.txt": b"\0\5\26\7", "__MACOSX/._b.txt": b"\0"},
    )
    write(
        tmp_path,
        {"thesis.docx": "x", "photo.PNG": "x", "noext": "x", "README.md": "x", "requirements.txt": "x"},
    )
    write(tmp_path, {"~$thesis.docx": "x", "Thumbs.db": "x", "a/.hidden/c.txt": "x"})
    reading = read_texts(tmp_path)
    assert reading.texts == ["A.", "B."]
    assert reading.skipped == {
        ".git": "hidden", "._a.txt": "hidden", "__MACOSX": "of the system", "thesis.docx": ".docx", "photo.PNG": ".png",
        "noext": "without suffix", "README.md": "about the folder", "requirements.txt": "about the folder",
        "~$thesis.docx": "hidden", "Thumbs.db": "of the system", "a/.hidden": "hidden",
    }  # fmt: skip
    assert "not read: 4 hidden, 2 about the folder, 2 of the system, 1 without suffix (noext), " in str(
        reading
    )
    (doubt,) = reading.doubts
    assert doubt.startswith("what may hold texts was not read: ")
    assert "1 .docx (thesis.docx)" in doubt and "1 without suffix (noext)" in doubt and "PNG" not in doubt


def test_only_what_may_hold_texts_is_doubtful(tmp_path):
    write(tmp_path, {"a.txt": "A.", "b.png": "x", ".hidden.txt": "x"})
    assert read_texts(tmp_path).doubts == ()


def test_many_kinds_do_not_make_the_line_long(tmp_path):
    write(tmp_path, {"a.txt": "A.", **{f"{'n' * 100}.kind{i}": "x" for i in range(200)}})
    assert max(map(len, str(read_texts(tmp_path)).splitlines())) <= 400
    (tmp_path / "a.txt").unlink()
    with pytest.raises(FileNotFoundError, match="found only others") as caught:
        read_texts(tmp_path)
    assert len(str(caught.value)) <= 300 + len(str(tmp_path))


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    outside = write(tmp_path / "outside", {"secret.txt": "secret"})
    inside = write(tmp_path / "inside", {"a.txt": "A.", "b.txt": "B."})
    (inside / "leak.txt").symlink_to(outside / "secret.txt")
    (inside / "leak").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    (inside / "dangling.txt").symlink_to(inside / "nothing")
    (inside / "same.txt").symlink_to(inside / "a.txt")
    reading = read_texts(inside)
    assert reading.texts == ["A.", "B.", "A."]
    assert reading.skipped == {
        "leak.txt": "link",
        "leak": "link",
        "loop": "link",
        "dangling.txt": "broken link",
    }
    assert "3 link (" in reading.doubts[0]
    (tmp_path / "named.txt").symlink_to(outside / "secret.txt")
    assert read_texts(tmp_path / "named.txt").texts == ["secret"]  # the user named it


def test_pipes_and_devices_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(ValueError, match="found the pipe or device .*pipe.txt': save it as a file first"):
        read_texts(tmp_path / "pipe.txt")
    with pytest.raises(ValueError, match="found the pipe or device '/dev/null'"):
        read_texts("/dev/null")
    write(tmp_path, {"a.txt": "A."})
    assert read_texts(tmp_path).skipped == {"pipe.txt": "pipe or device"}


def test_unreadable_folder_is_an_error(tmp_path, monkeypatch):
    write(tmp_path, {"a.txt": "A.", "closed/b.txt": "B."})
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(
        PermissionError, match="expected to read the folder .*closed', found: Permission denied"
    ):
        read_texts(tmp_path)


def test_one_bad_file_stops_all_and_the_others_are_counted(tmp_path):
    write(tmp_path, {"a.txt": "A.", "b.csv": "id\n1\n", "c.jsonl": "{", "d.csv": "id\n2\n"})
    with pytest.raises(
        ValueError, match=r"the column 'text' in 'b.csv', found 'id'.*\(and 2 other files at fault\)"
    ):
        read_texts(tmp_path)
    write(tmp_path, {f"{i:03}.txt": LATIN.encode("latin-1") for i in range(40)})
    with pytest.raises(ValueError, match=r"'000.txt'.*\(and 20 other files or more at fault\)") as caught:
        read_texts(tmp_path)
    assert len(str(caught.value)) <= 300


def test_names_that_are_not_utf8_are_read_and_can_be_written(tmp_path):
    folder = tmp_path / os.fsdecode("病例".encode("gbk"))
    folder.mkdir()
    for name in ("病历.txt", "病厉.txt", "a.docx"):
        (folder / os.fsdecode(name.encode("gbk"))).write_text(f"Text of {name}.")
    reading = read_texts(folder)
    assert len(reading.texts) == 2
    json.dumps(reading.describe()).encode("utf-8")
    str(reading).encode("utf-8")
    assert reading.source.isprintable()


def test_description_is_json_and_names_no_file(tmp_path):
    write(tmp_path / "corpus", {"a.txt": CHINESE.encode("gbk"), "b\n\x1b.docx": "x", "c.csv": "text\n\nA.\n"})
    reading = read_texts(tmp_path / "corpus", encoding="gbk")
    described = json.loads(json.dumps(reading.describe()))
    assert described == {
        "source": "corpus",
        "files": {".txt": 1, ".csv": 1},
        "texts": 3,
        "empty": 0,
        "cut": "lines",
        "without_breaks": False,
        "encodings": {"gbk": 2},
        "skipped": {".docx": 1},
        "num_doubts": 1,
    }
    (doubt,) = reading.doubts
    assert doubt.startswith("what may hold texts was not read: 1 .docx (b\\n\\x1b.docx)")
    assert all(line.isprintable() for line in str(reading).splitlines())


def test_missing_path_names_the_nearest(tmp_path):
    write(tmp_path, {"my_texts/a.txt": "A."})
    with pytest.raises(FileNotFoundError, match=r"found no '.*my_text': did you mean 'my_texts'\?"):
        read_texts(tmp_path / "my_text")
    for name in ("/nowhere/a.txt", "a\0b.txt", str(tmp_path / "my_texts/a.txt/b.txt")):
        with pytest.raises(FileNotFoundError, match="expected a file or folder with texts, found no"):
            read_texts(name)
    with pytest.raises(OSError, match="File name too long") as caught:
        read_texts("x" * 5_000)
    assert len(str(caught.value)) <= 300


def test_folder_without_texts_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected .txt, .*found none"):
        read_texts(tmp_path)
    write(tmp_path, {"a.docx": "x"})
    with pytest.raises(FileNotFoundError, match=r"found only others \(.docx\): save texts as .txt"):
        read_texts(tmp_path)


def test_twenty_doubts_are_not_all_told(tmp_path):
    write(tmp_path, {f"{i:02}.txt": "caf\ufffd" for i in range(20)})
    assert len(read_texts(tmp_path).doubts) == 6


def test_reading_of_no_file_says_how_many_texts():
    assert str(Reading(["a"], source="owner/name", num_empty=2)) == "1 text, 2 empty"
