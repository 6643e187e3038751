"""What runs look at is noted for the run alone: not for another store, not for another thread."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from anh_rollup.storage.database import Database
from anh_rollup.world.cell_store import CellStore
from anh_rollup.world.schema import MIGRATIONS

ONE, OTHER, THIRD = (bytes([each]) * 32 for each in (1, 2, 3))


def stores(folder: Path) -> tuple[CellStore, CellStore]:
    first, second = (CellStore(Database(folder / name, MIGRATIONS)) for name in ("first", "second"))
    return first, second


def test_each_store_notes_the_cells_that_were_looked_at_in_it(tmp_path: Path) -> None:
    first, second = stores(tmp_path)
    with first.noting() as used:
        first.cell(ONE)
        second.cell(OTHER)
        with second.noting() as elsewhere:
            first.cell(THIRD)
            second.cell(ONE)
    first.cell(OTHER)
    assert (used, elsewhere) == ({ONE, THIRD}, {ONE})


def test_a_run_within_a_run_has_its_own_notes(tmp_path: Path) -> None:
    store, _ = stores(tmp_path)
    with store.noting() as outer:
        with store.noting() as inner:
            store.cell(ONE)
        store.cell(OTHER)
    assert (outer, inner) == ({OTHER}, {ONE})


def test_another_threads_looks_are_not_noted(tmp_path: Path) -> None:
    store, _ = stores(tmp_path)
    with ThreadPoolExecutor(1) as threads, store.noting() as used:
        threads.submit(store.cell, ONE).result()
    assert used == set()
