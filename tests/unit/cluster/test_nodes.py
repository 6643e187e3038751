"""Which nodes work, who gets a task next, and what is told about them."""

from anh_rollup.cluster.identity import Identity
from anh_rollup.cluster.messages import News
from anh_rollup.cluster.nodes import NodeList, Seen

OWN, OTHER = Identity("0.1.0", "ab" * 32), Identity("0.0.9", "cd" * 32)
BIG, SMALL = Seen("big", "10.0.0.1", 4), Seen("small", "10.0.0.2", 1)


def working(*nodes: Seen) -> NodeList:
    found = NodeList(OWN)
    for each in found.look(nodes):
        found.answered(each.name, OWN)
    return found


def test_a_node_works_when_it_has_shown_that_it_runs_the_same() -> None:
    nodes = NodeList(OWN)
    assert nodes.look([BIG, SMALL]) == [BIG, SMALL]
    assert (nodes.count, nodes.cores, nodes.is_settled) == (0, 0, False)
    nodes.answered("big", OWN)
    assert (nodes.count, nodes.cores, nodes.is_settled) == (1, 4, False)
    nodes.answered("small", OWN)
    assert (nodes.count, nodes.cores, nodes.is_settled) == (2, 5, True)
    assert nodes.look([BIG, SMALL]) == []
    assert nodes.news == [
        News("node 10.0.0.1 works with 4 core(s)", is_trouble=False),
        News("node 10.0.0.2 works with 1 core(s)", is_trouble=False),
    ]


def test_other_code_is_refused_and_so_is_who_cannot_tell() -> None:
    nodes = NodeList(OWN)
    nodes.look([BIG, SMALL])
    nodes.answered("big", OTHER)
    nodes.answered("small", "it says nothing")
    assert (nodes.count, nodes.begin(), nodes.is_settled) == (0, None, True)
    assert nodes.news == [
        News(
            "node 10.0.0.1 is refused: it runs anh_rollup 0.0.9 (sources cdcdcdcdcdcd), "
            "here is anh_rollup 0.1.0 (sources abababababab)",
            is_trouble=True,
        ),
        News(
            "node 10.0.0.2 is refused: it says nothing, here is anh_rollup 0.1.0 (sources abababababab)",
            is_trouble=True,
        ),
    ]


def test_the_same_version_with_other_sources_is_other_code() -> None:
    nodes = NodeList(OWN)
    nodes.look([BIG])
    nodes.answered("big", Identity("0.1.0", "cd" * 32))
    assert nodes.count == 0


def test_a_node_that_is_gone_is_told_if_it_worked_and_is_asked_again_when_it_comes_back() -> None:
    nodes = working(BIG)
    nodes.look([BIG, SMALL])
    nodes.news.clear()
    nodes.look([])
    assert nodes.news == [News("node 10.0.0.1 is lost; what it had is done elsewhere", is_trouble=True)]
    nodes.answered("small", OWN)
    nodes.end("big")
    assert (nodes.count, nodes.place("big")) == (0, "that is lost")
    assert nodes.look([BIG]) == [BIG]


def test_a_node_without_cores_is_none() -> None:
    nodes = NodeList(OWN)
    assert nodes.look([Seen("head", "10.0.0.3", 0)]) == []
    assert not nodes.is_settled


def test_tasks_go_where_least_is_to_be_done_for_a_core() -> None:
    nodes = working(BIG, SMALL)
    assert sorted(nodes.begin() or "" for _ in range(10)) == ["big"] * 8 + ["small"] * 2
    nodes.end("small")
    assert nodes.begin() == "small"


def test_a_task_is_not_given_to_a_node_again() -> None:
    nodes = working(BIG, SMALL)
    assert nodes.begin(["big"]) == "small"
    assert nodes.begin(["big", "small"]) is None
