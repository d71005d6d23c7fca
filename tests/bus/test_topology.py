"""Who takes what from whom, as it follows from the contracts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kitev3.bus.topology import base, links, matches, matching, takes_work, workers
from kitev3.contracts import BY_TOPIC, CONTRACTS, heard_by, said_by
from kitev3.system.profile import known_services

ON_BUS = [contract.topic for contract in CONTRACTS if contract.delivery in ("pub", "work")]
services = st.sampled_from(known_services())
patterns = st.sampled_from(
    ["*", *ON_BUS, *sorted({f"{topic.partition('.')[0]}.*" for topic in ON_BUS}), "nobody.*", "execution.fil"]
)


@given(services)
def test_what_a_service_hears_comes_by_one_link_of_each_speaker(service: str) -> None:
    topics = [contract.topic for contract in heard_by(service)]

    taken = links(service, topics)

    assert len({link.source for link in taken}) == len(taken)
    assert service not in {link.source for link in taken}
    for topic in (topic for topic in topics if topic in ON_BUS):
        for speaker in set(BY_TOPIC[topic].speakers) - {service}:
            (link,) = [link for link in taken if link.source == speaker]
            assert (topic in link.received) != (link.mode == "work")
            assert (link.mode == "work") == (BY_TOPIC[topic].worker == service)


@given(services)
def test_a_link_receives_all_that_its_sequence_counts(service: str) -> None:
    for link in links(service, [contract.topic for contract in heard_by(service)]):
        said = {contract.topic for contract in said_by(link.source) if contract.topic in ON_BUS}
        dense = {topic for topic in said if BY_TOPIC[topic].dense}
        expected = {"all": said, "sparse": said - dense, "work": set()}[link.mode]
        assert set(link.received) == expected


@given(services)
def test_work_is_taken_where_it_is_sent(service: str) -> None:
    hears = [contract.topic for contract in heard_by(service)]
    senders = [other for other in known_services() if service in workers(c.topic for c in said_by(other))]

    assert takes_work(service, hears) == bool(senders)
    assert takes_work(f"{service}.2", hears) == bool(senders)
    assert base(f"{service}.2") == base(service) == service


@given(patterns)
def test_a_pattern_means_the_topics_that_match_it(pattern: str) -> None:
    assert list(matching(pattern)) == [topic for topic in ON_BUS if matches(pattern, topic)]
