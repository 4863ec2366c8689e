"""What must come out, computed without a network, by NumPy alone.

Two kinds of prediction. **Mean field**: as the width grows, every pre-activation z becomes normal
with mean 0 and a variance q that is handed from layer to layer, and so does the gradient's square
(Poole et al. 2016; Schoenholz et al. 2017). It predicts the mean square over replicates, so its
root is the RMS, not the typical network. **Exact laws** of ReLU networks of any width, which say
what the typical network does, and how many are dead at birth.

`activation` and `initializer` are names in the catalogue. weight_variance is sigma_w^2, so that
Var W = sigma_w^2 / fan_in; bias_variance is sigma_b^2. None of these has a unit.

======================  ==========================================================================
``moments``             means over a normal z, its push-forward, the share of saturated units
``mean_field``          one input: q and the gradient from layer to layer, and where they settle
``pairs``               two inputs: their correlation, depth scales, the edge of chaos
``finite_width``        ReLU layers of any width, exactly
``chain``               the factors of the chain rule along one path
``verdict``             the one scale from "vanishing" to "exploding"
======================  ==========================================================================
"""

# Two modules, moments and verdict, share their name with a function. Every module is loaded by the
# time the last line has run, so the names of this package are the functions, and stay so.
from helpers.theory.chain import derivative_product, expected_log10_factor
from helpers.theory.finite_width import ReluLaw, relu_dead_probability, relu_law
from helpers.theory.mean_field import (
    ExpectedProfile,
    chi,
    expected_profile,
    fixed_point,
    gradient_ratio,
    predicts,
    profile,
    variance_map,
)
from helpers.theory.moments import (
    SATURATED,
    Moments,
    Pushed,
    PushForward,
    moments,
    push_forward,
    saturated_share,
)
from helpers.theory.pairs import (
    DepthScales,
    ExpectedPairProfile,
    PairMoments,
    chi_map,
    correlation_map,
    critical_line,
    depth_scales,
    expected_pair_profile,
    pair_moments,
)
from helpers.theory.verdict import (
    DYING_SHARE,
    EXPLODING,
    GROWING,
    SHRINKING,
    VANISHING,
    verdict,
)

__all__ = [
    "DYING_SHARE",
    "EXPLODING",
    "GROWING",
    "SATURATED",
    "SHRINKING",
    "VANISHING",
    "DepthScales",
    "ExpectedPairProfile",
    "ExpectedProfile",
    "Moments",
    "PairMoments",
    "PushForward",
    "Pushed",
    "ReluLaw",
    "chi",
    "chi_map",
    "correlation_map",
    "critical_line",
    "depth_scales",
    "derivative_product",
    "expected_log10_factor",
    "expected_pair_profile",
    "expected_profile",
    "fixed_point",
    "gradient_ratio",
    "moments",
    "pair_moments",
    "predicts",
    "profile",
    "push_forward",
    "relu_dead_probability",
    "relu_law",
    "saturated_share",
    "variance_map",
    "verdict",
]
