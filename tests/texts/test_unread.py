from mlmtutor import load_unread_reviews
from mlmtutor.texts.reviews import remove_breaks
from mlmtutor.texts.unread import split_reviews


def test_what_was_read_and_what_was_kept_out_share_no_review():
    parts = split_reviews()
    read = {remove_breaks(text) for text in parts["train"]["text"]}
    unread = load_unread_reviews()
    assert unread.num_rows == 5_000
    assert not any("<br" in text for text in unread["text"])
    # the split is of raw reviews: a handful may differ in their breaks alone
    assert sum(text in read for text in unread["text"]) <= 5
    assert 2_300 < sum(unread["label"]) < 2_700
