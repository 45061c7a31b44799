from calnet_ops.science.labels.catalogs import read_catalog
from calnet_ops.science.labels.records import LabelRecord, settle


def record(tic, verdict, catalog="list", source="catalog", eb_type=""):
    return LabelRecord(tic, verdict, eb_type, catalog, source)


def test_hosts_of_planets_are_taken_out_of_the_binaries_and_listed():
    settled = settle(
        [record(1, "EB"), record(2, "EB"), record(1, "NOT_EB", "planets", "planet_host")]
    )
    assert [(r.tic, r.verdict) for r in settled.records] == [(1, "NOT_EB"), (2, "EB")]
    assert [(r.tic, r.catalog) for r in settled.set_aside] == [(1, "list")]


def test_a_catalog_that_contradicts_itself_is_not_sure():
    settled = settle([record(1, "EB", eb_type="EA"), record(1, "NOT_EB")])
    assert [(r.verdict, r.eb_type) for r in settled.records] == [("UNSURE", "")]


def test_the_order_of_records_does_not_matter():
    records = [record(2, "EB"), record(1, "EB"), record(1, "NOT_EB", "planets", "planet_host")]
    assert settle(records) == settle(reversed(records))


def test_published_binaries_lose_their_planet_hosts(shared_data):
    names = ("calnet_training_samples.dat", "calnet_newecl.dat", "tess_tois_2022-08.csv")
    texts = {name: (shared_data / "labels" / name).read_text() for name in names}
    settled = settle(r for name, text in texts.items() for r in read_catalog(name, text))
    called_binary = {r.tic for r in settled.records if r.verdict == "EB"}
    # WASP-100, WASP-43, pi Men and three of CALNet's discoveries
    assert not called_binary & {38846515, 36734222, 261136679, 19028197, 66818296}
    assert {38846515, 261136679} <= {r.tic for r in settled.set_aside}
    assert 117544915 in called_binary


def test_published_lists_hold_these_many_hosts_of_planets(shared_data):
    """By the TOI table of August 2022; by that of October 2025 they are 88 and 523."""
    labels = shared_data / "labels"
    toi = read_catalog("toi", (labels / "tess_tois_2022-08.csv").read_text())
    hosts = {r.tic for r in toi if r.source == "planet_host"}
    trained = read_catalog("t", (labels / "calnet_training_samples.dat").read_text())
    rows = (labels / "calnet_newecl.dat").read_text().splitlines()[2:]
    found = {int(row[:10]) for row in rows}
    assert (len(trained), len(hosts & {r.tic for r in trained})) == (4225, 79)
    assert (len(found), len(hosts & found)) == (10_531, 370)
    settled = settle([*toi, *trained])
    assert len({r.tic for r in settled.set_aside if r.verdict == "EB"}) == 79
