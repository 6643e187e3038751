"""What the options about a cluster mean, and what is said where they cannot mean anything."""

from typing import Any

import pytest

from anh_rollup.cli import cluster_options, main
from anh_rollup.cli.cluster_options import (
    ClusterOptionError,
    RayAddressError,
    RayMissingError,
    cluster_words,
    joined,
    ray_address,
    with_cluster,
)
from anh_rollup.cli.training import make_evaluator
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.cluster.evaluator import ClusterEvaluator
from anh_rollup.evaluation.fast_backend import fastest_evaluator


def options(engine: str = "local", workers: int | None = None, address: str | None = None) -> dict[str, Any]:
    return {"engine": engine, "workers": workers, "ray_address": address, "other": 1}


@pytest.mark.parametrize(
    "word",
    ["auto", "10.0.0.1:6379", "head.example.org:1", "ray://h_1:10001", "[::1]:6379", "ray://[fe80::1]:9"],
)
def test_these_are_addresses_of_clusters(word: str) -> None:
    assert ray_address(word) == word


@pytest.mark.parametrize(
    "word",
    ["", "local", "10.0.0.1", "a:70000", "a:b", "http://a:1", "ray://auto", "ray:/a:1", "a b:1", "::1:5"],
)
def test_these_are_not(word: str) -> None:
    with pytest.raises(RayAddressError) as raised:
        ray_address(word)
    assert raised.value.message == f"{word!r} is no address of a Ray cluster"


@pytest.mark.parametrize(("address", "cluster"), [(None, "auto"), ("a:1", "a:1")])
def test_a_cluster_has_an_address(address: str | None, cluster: str) -> None:
    given = with_cluster(options("ray", 3, address))
    assert given == {"workers": 3, "other": 1, "cluster": cluster}


def test_without_one_all_stays_here() -> None:
    assert with_cluster(options()) == {"workers": None, "other": 1, "cluster": None}
    own = with_cluster(options(workers=3), has_local_workers=True)
    assert own == {"workers": 3, "other": 1, "cluster": None}


@pytest.mark.parametrize(
    ("given", "option"), [(options(workers=3), "--workers"), (options(address="auto"), "--ray-address")]
)
def test_what_is_about_a_cluster_needs_one(given: dict[str, Any], option: str) -> None:
    with pytest.raises(ClusterOptionError, match=f"{option} is about a Ray cluster"):
        with_cluster(given)


def test_without_ray_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster_options, "find_spec", lambda _name: None)
    with pytest.raises(RayMissingError):
        with_cluster(options("ray"))
    with pytest.raises(SystemExit) as ended:
        main(["follower", "--l1", "http://127.0.0.1:9", "--data", "data", "--engine", "ray"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "Error: --engine ray needs the package ray, which is not installed\n"
        "Next:  Install it with `pip install 'anh_rollup[ray]'`, or leave the option out.\n"
    )


def test_a_role_that_is_started_gets_the_same_words() -> None:
    assert cluster_words(None, None) == []
    assert cluster_words("a:1", None) == ["--engine", "ray", "--ray-address", "a:1"]
    assert cluster_words("a:1", 2) == ["--engine", "ray", "--ray-address", "a:1", "--workers", "2"]


def test_a_cluster_is_joined_for_as_long_as_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[Any] = []
    monkeypatch.setattr(Cluster, "start", lambda self: did.append((self._address, self._most)))
    monkeypatch.setattr(Cluster, "close", lambda _self: did.append("closed"))
    with joined(None, 2) as nothing, joined("a:1", 2) as cluster:
        assert nothing is None
        assert isinstance(cluster, Cluster)
        assert did == [("a:1", 2)]
    assert did == [("a:1", 2), "closed"]


def test_samples_go_to_a_cluster_only_where_there_is_one() -> None:
    assert make_evaluator() == fastest_evaluator()
    cluster = Cluster("a:1")
    assert make_evaluator(cluster) == ClusterEvaluator(fastest_evaluator(), cluster)
