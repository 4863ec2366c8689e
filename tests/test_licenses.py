"""The licences of what the lock names, in the versions that are installed from it."""

import licenses
import pytest


@pytest.mark.parametrize("name", licenses.locked())
def test_the_licence_of_a_locked_package_allows_its_use(name):
    assert licenses.is_allowed(licenses.licence(name)), licenses.licence(name)


def test_other_licences_are_not_allowed():
    refused = ("", "GPL-3.0", "MIT AND GPL-2.0-or-later", "AGPL-3.0", "Proprietary", "CC-BY-NC-4.0")
    assert not any(map(licenses.is_allowed, refused))
