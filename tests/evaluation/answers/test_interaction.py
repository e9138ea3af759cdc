from __future__ import annotations

import pytest

from made_up_answers import NAN, an_outcome

SENTENCES = {
    (10, 13, 9.8, 10.2): "Batch normalization undoes most of the harm that dropout brings alone;"
    " both together are not shown to differ from neither.",
    (10, 13, 9.8, 12): "Batch normalization undoes part of the harm that dropout brings alone;"
    " both together are worse than neither.",
    (10, 10.2, 13, 9): "Dropout undoes the whole harm that batch normalization brings alone;"
    " both together are better than neither.",
    (10, 8, 7.9, 7.8): "The two layers mend the same fault: each helps alone, and together they"
    " gain no more than batch normalization alone; both together are better than neither.",
    (10, 8, 10.3, 10): "Batch normalization takes away most of the gain that dropout brings alone;"
    " both together are not shown to differ from neither.",
    (10, 9, 9, 6): "Each layer helps more beside the other than alone; both together are better"
    " than neither.",
    (10, 11, 11, 14): "Each layer hurts more beside the other than alone; both together are worse"
    " than neither.",
    (10, 9.8, 9.9, 8): "Both layers together are better, by 1.70 MPa, than the sum of the two"
    " effects; both together are better than neither.",
    (10, 8, 9, 7.1): "Whether one layer changes what the other does is not settled: both together"
    " differ from the sum of the two effects by between −0.40 and +0.60 MPa.",
}


@pytest.mark.parametrize(("errors", "sentence"), SENTENCES.items())
def test_what_the_layers_do_to_each_other_is_said_in_words(errors, sentence):
    assert an_outcome(errors).interaction == sentence


def test_effects_that_add_up_are_said_to():
    answer = an_outcome((10, 9, 9, 8.05), half=0.1, margin=0.5)

    assert answer.interaction == "The effects of the two layers add up, to within 0.150 MPa."


@pytest.mark.parametrize("errors", [(NAN, 8, 8, 8), (10, 8, 8, 35)])
def test_nothing_is_said_where_a_network_failed(errors):
    assert an_outcome(errors, constant=30).interaction == ""
