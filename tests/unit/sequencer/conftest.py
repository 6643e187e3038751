from pathlib import Path

import pytest

from anh_rollup.sequencer.chain import SequencerChain
from tests.doubles.ordering import ALICE, ETHER, FakeL1, chain_on


@pytest.fixture
def l1() -> FakeL1:
    made = FakeL1()
    made.deposit(ALICE.address, ETHER)
    return made


@pytest.fixture
def chain(l1: FakeL1, tmp_path: Path) -> SequencerChain:
    return chain_on(l1, tmp_path)
