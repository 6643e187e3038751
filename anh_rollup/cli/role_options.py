"""Options that accountants and challengers share: what they evaluate and fetch, and how they look at L1."""

from pathlib import Path

import click

from anh_rollup.cli.cluster_options import engine_options
from anh_rollup.cli.options import ROUND_INTERVAL, Decorator, count_option, decorated, interval_option
from anh_rollup.evaluation.workload import MOST_WORK
from anh_rollup.storage.cache import MOST_CACHE


def work_options(left: str) -> Decorator:
    """`--most-work`, and where properties are evaluated.

    Args:
        left: What is left where its properties take more.
    """
    return decorated(
        count_option(
            "--most-work", MOST_WORK, f"Most multiply-adds to evaluate a property; heavier {left} are left."
        ),
        engine_options(
            "properties are evaluated",
            "With ray: most evaluations of samples at a time; default: all cores.",
        ),
    )


def fetching_options() -> Decorator:
    """`--most-cache`, `--allow-folder` and `--allow-private`: whose artifacts are read, and what is kept."""
    return decorated(
        count_option("--most-cache", MOST_CACHE, "Most bytes of fetched artifacts that are kept."),
        click.option(
            "--allow-folder", multiple=True, type=click.Path(path_type=Path), help="Read file:// below it."
        ),
        click.option("--allow-private", is_flag=True, help="Fetch artifacts from private hosts (devnets)."),
    )


def round_options() -> Decorator:
    """`--most-lag` and `--interval`: how old a head of L1 may be, and how often it is looked at."""
    return decorated(
        count_option("--most-lag", None, "Refuse an L1 head older than so many seconds."),
        interval_option("--interval", ROUND_INTERVAL, "Seconds between two rounds."),
    )
