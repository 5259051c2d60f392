"""Models are registered by the name of their data set."""

from seg.track.model_registry import old_names, registered


def test_a_model_goes_by_the_name_of_its_data_set():
    assert registered("brand_a") == "seg-brand_a" and registered("shop/north:1") == "seg-shop_north_1"


def test_models_under_the_name_that_all_own_files_shared_are_pointed_out():
    assert old_names(["seg-flo", "seg-brand_a"]) == ""
    assert "all own files as seg-transactions: name that model" in old_names(["seg-flo", "seg-transactions"])
