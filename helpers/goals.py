"""The game of the last lesson, under the name by which notebooks call it: ``goals.goal_game()``."""

from helpers.explorers.game import GOALS, goal_game

__all__ = ["GOALS", "goal_game"]
