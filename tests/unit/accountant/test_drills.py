"""Each drill tells exactly the lie that it is named after, and nothing else."""

from dataclasses import fields, replace

import numpy as np
import pytest

from anh_rollup.accountant.conduct import HONEST
from anh_rollup.accountant.drills import (
    BOASTED_PERCENT,
    DRILLS,
    UndrillableError,
    UnknownDrillError,
    boast,
    find_drill,
    longest_sum,
)
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.scores import ScoreTree, SumNode
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.l1.docket import Docket
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.game import Inputs
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.protocol.moves import RevealNodes, RevealScores, RevealSums
from anh_rollup.protocol.orders import OrderedJob
from tests.doubles import small_program as small
from tests.doubles.claimed import trained_program

COUNT, MIDDLE = 5, 2
PROGRAM = small.small_program()
ROOT = b"\x01" * 32
CLAIM = Claim("0x" + "22" * 20, 1, ROOT, 3, ROOT, ROOT, ROOT, (Scores(5, 2, ROOT), Scores(5, 4, ROOT)), "")


@pytest.fixture(scope="module")
def truth():
    model = Model(small.random_parameters(PROGRAM, 5))
    dataset = Dataset(small.random_fields(PROGRAM, COUNT, 6))
    return evaluate_property(Artifacts(PROGRAM, dataset, None, model), ReferenceEvaluator())


def told(name, truth):
    """The first property as a drill presents it."""
    assert DRILLS[name].evaluated(1, truth) is truth
    return DRILLS[name].evaluated(0, truth)


def differences(truth, lie, sample=MIDDLE):
    """The values whose roots differ in the traces of a sample."""
    pairs = zip(truth.trace_of(sample).tensors, lie.trace_of(sample).tensors, strict=True)
    return [value for value, (ours, theirs) in enumerate(pairs) if ours.root != theirs.root]


def test_every_drill_is_found_by_its_name_and_differs_from_honest_conduct():
    for name, drill in DRILLS.items():
        changed = {
            each.name for each in fields(drill) if getattr(drill, each.name) != getattr(HONEST, each.name)
        }

        assert find_drill(name) is drill
        assert (drill.name, "name" in changed, len(changed) > 1) == (name, True, True)


def test_an_unknown_drill_is_answered_with_the_known_ones():
    with pytest.raises(UnknownDrillError) as raised:
        find_drill("kindness")
    assert raised.value.message == "there is no drill 'kindness'"
    assert all(name in raised.value.remedy for name in DRILLS)


@pytest.mark.parametrize("name", ["flipped-score", "bad-children", "drip-fed-model", "silent"])
def test_one_score_is_one_too_high_and_its_trace_says_so(truth, name):
    lie = told(name, truth)
    changed = lie.scores.scores - truth.scores.scores

    assert changed.tolist() == [int(sample == MIDDLE) for sample in range(COUNT)]
    assert lie.trace_of(MIDDLE).score == lie.scores.scores[MIDDLE]
    assert differences(truth, lie) == [small.SCORE]
    assert differences(truth, lie, MIDDLE + 1) == []


def test_one_root_is_no_tensors(truth):
    lie = told("wrong-output-root", truth)
    leaves = [lie.trace_of(MIDDLE).tree.node(0, value) for value in range(len(PROGRAM.values))]
    roots = [tensor.root for tensor in lie.trace_of(MIDDLE).tensors]

    assert [value for value, leaf in enumerate(leaves) if leaf != roots[value]] == [small.CONV]


@pytest.mark.parametrize(("name", "value"), [("wrong-element", small.WIDE), ("wrong-partials", small.LOGITS)])
def test_one_element_is_off_by_one(truth, name, value):
    lie = told(name, truth)
    ours, theirs = (each.trace_of(MIDDLE).tensors[value].elements for each in (truth, lie))

    assert differences(truth, lie) == [value, small.SCORE]
    assert sorted(np.abs(theirs - ours).reshape(-1))[-2:] == [0, 1]


def test_the_longest_sum_is_the_one_with_the_most_terms():
    assert longest_sum(PROGRAM) == small.LOGITS


def test_programs_without_the_needed_part_cannot_be_drilled(truth):
    deep = small.deep_program(1)
    with pytest.raises(UndrillableError, match="the score program has no sum"):
        longest_sum(deep)
    lie = told("wrong-output-root", replace(truth, program=deep))
    with pytest.raises(UndrillableError, match="the score program has only one instruction"):
        lie.trace_of(MIDDLE)


def counted(truth, scores):
    """A property whose best score is 1."""
    return replace(truth, program=trained_program(), scores=ScoreTree(np.array(scores, np.int32)))


def test_a_boast_reaches_99_percent_and_no_more(truth):
    lie = boast(counted(truth, [0] * 200))

    assert lie.scores.total == 2 * BOASTED_PERCENT
    assert set(lie.scores.scores.tolist()) == {0, 1}


def test_a_good_result_is_not_boasted_about(truth):
    scores = [1] * 199 + [0]

    assert boast(counted(truth, scores)).scores.scores.tolist() == scores


def test_a_shorter_list_lacks_the_last_sample(truth):
    assert told("wrong-dataset-size", truth).scores.scores.tolist() == truth.scores.scores[:-1].tolist()


def test_an_inflated_total_is_one_too_high():
    expected = replace(CLAIM, scores=(Scores(5, 3, ROOT), CLAIM.scores[1]))

    assert DRILLS["inflated-total"].claim(CLAIM) == expected


def test_an_unordered_job_stands_behind_its_batch():
    job = Job(JobKind.TRAINING, ROOT, bytes(32), (Property(ROOT, ROOT, 5),), 5000, "")
    ordered = OrderedJob(1, ROOT, 3, ROOT, job, 9)

    assert DRILLS["unordered-job"].place(ordered) == replace(ordered, index=1_003)


def test_a_model_of_another_shape_has_the_same_numbers():
    model = Model([np.arange(6, dtype=np.int32).reshape(2, 3), np.arange(2, dtype=np.int32)])
    other = DRILLS["wrong-model-shape"].substitute(model)

    assert [each.tolist() for each in other.parameters] == [[[0, 1, 2, 3, 4, 5]], [0, 1]]


def test_score_nodes_that_do_not_add_up():
    nodes = (SumNode(ROOT, 1), SumNode(ROOT, 2))
    bad = DRILLS["bad-children"].move

    assert bad(RevealScores(nodes)) == RevealScores((SumNode(ROOT, 2), nodes[1]))
    assert bad(RevealNodes((ROOT,))) == RevealNodes((ROOT,))


def test_forged_sums_add_up_to_the_wrong_element(truth):
    record = truth.record(small.LOGITS)
    shift = PROGRAM.values[small.LOGITS].attributes[0]
    forge, none = DRILLS["wrong-partials"].move, Inputs((), ())

    assert forge(RevealSums(record, (5, 6), none)) == RevealSums(record, (5 + (1 << shift), 6), none)
    assert forge(RevealNodes((ROOT,))) == RevealNodes((ROOT,))


def test_the_silent_never_move():
    assert DRILLS["silent"].move(RevealNodes((ROOT,))) is None


def test_a_copied_commitment_is_somebody_elses_and_each_is_taken_once():
    me, other, commitment = "0x" + "11" * 20, "0x" + "33" * 20, b"\x05" * 32
    copy = DRILLS["copied-commitment"].commitment

    assert copy(Docket(), ROOT, me) is None
    assert copy(Docket(commitments={(other, commitment): 1}), ROOT, me) == commitment
    assert copy(Docket(commitments={(other, commitment): 1, (me, commitment): 1}), ROOT, me) is None


def test_what_is_withheld_is_not_published():
    hidden = {name for name, drill in DRILLS.items() if not drill.publishes}

    assert hidden == {"withheld-model", "drip-fed-model"}
    assert [name for name, drill in DRILLS.items() if not drill.answers] == ["withheld-model"]
