import numpy as np

from calnet_ops.science.evaluation import figures
from calnet_ops.science.evaluation.metrics import Confusion

PNG = b"\x89PNG"


def test_figures_are_images_even_of_little():
    is_eb, probability = np.array([True, False, True]), np.array([0.9, 0.2, 0.4])
    assert figures.training_curve({"loss": [1.0], "accuracy": [0.5]}).startswith(PNG)
    assert figures.training_curve({}).startswith(PNG)
    assert figures.confusion_matrix(Confusion(1, 0, 0, 0)).startswith(PNG)
    assert figures.precision_recall_curve(is_eb, probability, 0.5).startswith(PNG)
    assert figures.precision_recall_curve(is_eb, probability, 1.5).startswith(PNG)
