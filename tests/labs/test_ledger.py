"""The ledger sees every kind of loss, doubling and theft, and nothing where nothing is wrong."""

from dataclasses import replace

import pytest

from labs.classroom.ledger import Books, OrderRow, Pieces, StockRow, judge

GOOD = Books(
    orders=(OrderRow("a", "fulfilled", 700), OrderRow("b", "rejected", 0), OrderRow("c", "cancelled", 0)),
    stock=(StockRow("tea", arrived=10, held=2, available=8),),
    held=(Pieces("a", {"tea": 2}),),
    charges=(("a", 700), ("c", 350)),
    refunds=(("c", 350),),
    shipments=(Pieces("a", {"tea": 2}),),
    mails=(("a", "confirmed", "<1>"), ("a", "shipped", "<2>"), ("a", "shipped", "<2>"), ("b", "rejected", "<3>")),
)


def test_good_books_are_settled():
    ledger = judge(GOOD, {"a", "b", "c"})
    assert ledger.settled
    assert (ledger.accepted, ledger.fulfilled, ledger.rejected, ledger.cancelled) == (3, 1, 1, 1)


def test_who_kept_no_list_of_accepted_orders_has_those_that_the_shop_knows():
    assert judge(GOOD).accepted == 3


@pytest.mark.parametrize(
    ("kind", "found", "books"),
    [
        ("doubled", ["a"], replace(GOOD, charges=(*GOOD.charges, ("a", 700)))),
        ("doubled", ["a"], replace(GOOD, shipments=GOOD.shipments * 2)),
        ("oversold", ["tea"], replace(GOOD, stock=(StockRow("tea", 10, 11, -1),))),
        ("oversold", ["tea"], replace(GOOD, stock=(StockRow("tea", 10, 12, 0),))),
        ("unaccounted", ["tea"], replace(GOOD, stock=(StockRow("tea", 10, 2, 9),))),
        ("unaccounted", ["tea"], replace(GOOD, stock=(StockRow("tea", 10, 2, 7),))),
        ("unaccounted", ["b"], replace(GOOD, held=(*GOOD.held, Pieces("b", {"tea": 1})))),
        ("unaccounted", ["a"], replace(GOOD, held=(Pieces("a", {"tea": 2, "cup": 1}),))),
        ("oversold", ["a"], replace(GOOD, held=(Pieces("a", {"tea": 1}),))),
        ("oversold", ["a"], replace(GOOD, held=(Pieces("a", {"cup": 2}),))),
        ("oversold", ["x"], replace(GOOD, shipments=(*GOOD.shipments, Pieces("x", {"tea": 1})))),
        ("charged_without_order", ["x"], replace(GOOD, charges=(*GOOD.charges, ("x", 5)))),
        ("charged_wrongly", ["c"], replace(GOOD, refunds=())),
        ("charged_wrongly", ["a"], replace(GOOD, charges=(("c", 350),))),
        ("charged_wrongly", ["a"], replace(GOOD, refunds=(*GOOD.refunds, ("a", 1)))),
        ("shipped_wrongly", ["a"], replace(GOOD, shipments=())),
        ("shipped_wrongly", ["b"], replace(GOOD, shipments=(*GOOD.shipments, Pieces("b", {"tea": 1})))),
        ("mailed_twice", ["a"], replace(GOOD, mails=(*GOOD.mails, ("a", "shipped", "<4>")))),
    ],
)
def test_each_kind_of_trouble_is_named_with_who_is_in_it(kind, found, books):
    ledger = judge(books, {"a", "b", "c"})
    assert ledger.wrong[kind] == found
    assert not ledger.settled


def test_an_accepted_order_that_nobody_knows_is_lost():
    assert judge(GOOD, {"a", "b", "c", "d"}).wrong == {"lost": ["d"]}


def test_an_order_under_way_is_not_wrong_and_not_settled():
    books = replace(GOOD, orders=(*GOOD.orders, OrderRow("d", "paid", 0)), charges=(*GOOD.charges, ("d", 350)))
    ledger = judge(books)
    assert (ledger.wrong, ledger.under_way, ledger.settled) == ({}, ["d"], False)


def test_an_order_that_was_charged_twice_is_doubled_even_if_one_of_them_came_back():
    books = replace(GOOD, charges=(*GOOD.charges, ("a", 700)), refunds=(*GOOD.refunds, ("a", 700)))
    assert judge(books).wrong == {"doubled": ["a"]}


def test_pieces_that_left_and_went_back_on_the_shelf_are_oversold_though_the_stock_balances():
    books = replace(GOOD, stock=(StockRow("tea", arrived=10, held=0, available=10),), held=())
    assert judge(books).wrong == {"oversold": ["a"]}


def test_pieces_that_left_and_were_sold_again_are_oversold_though_the_stock_balances():
    books = replace(
        GOOD,
        orders=(*GOOD.orders, OrderRow("d", "fulfilled", 700)),
        held=(Pieces("d", {"tea": 2}),),
        charges=(*GOOD.charges, ("d", 700)),
        shipments=(*GOOD.shipments, Pieces("d", {"tea": 2})),
    )
    assert judge(books).wrong == {"oversold": ["a"]}


def test_what_the_carrier_did_not_find_is_for_sale_again():
    stock = (StockRow("tea", arrived=10, held=1, available=9),)
    books = replace(GOOD, stock=stock, held=(Pieces("a", {"tea": 1}),), shipments=(Pieces("a", {"tea": 1}),))
    assert judge(books).settled
    kept = (StockRow("tea", arrived=10, held=2, available=8),)
    assert judge(replace(books, stock=kept, held=GOOD.held)).wrong == {"unaccounted": ["a"]}


def test_an_order_whose_parcel_has_left_may_still_have_its_pieces_taken_until_it_ends():
    orders = (OrderRow("a", "paid", 0), *GOOD.orders[1:])
    assert judge(replace(GOOD, orders=orders, held=())).wrong == {}


def test_a_shop_without_a_book_of_its_stock_is_not_judged_by_it():
    assert judge(replace(GOOD, stock=(), held=())).wrong == {}


def test_events_that_wait_are_shown_and_are_no_trouble():
    ledger = judge(replace(GOOD, waiting=3))
    assert ("waiting events", 3, "") in ledger.rows()
    assert ledger.settled
