"""The shipped index has the libraries' names, and hashes that can be added and taken away."""

from metalearn.networks.index import the_index
from metalearn.networks.libraries import timm, torchvision_models
from metalearn.networks.transformers_library import CLASSES


def test_the_index_has_the_librarys_names_and_no_other() -> None:
    models = torchvision_models()
    known = {f"torchvision/{name}" for name in models.list_models(module=models)}
    known |= {f"timm/{name}" for name in timm().list_models()}
    known |= {f"transformers/{name}" for name in CLASSES}
    assert set(the_index().by_name) <= known
    assert len(the_index().by_name) > 1_000
