"""Writes kernels.md beside this file: for every kernel its formula, its oracle, its test and its benchmark.

    python .docs/kernels.py

The formula is the first sentence of the kernel's docstring. Nothing here is imported: sources are read as text.
``CHECKS`` is written by hand, because what a test compares with what is known to its author alone;
tests/test_kernel_table.py looks up every name in it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path(__file__).with_suffix(".md")

HEAD = """# Kernels

Written by `python .docs/kernels.py`: do not edit. Every function of `kernels/` that Python calls, CPU loops first. An
oracle is slow and obvious: a function of `tests/reference*.py`, of the test itself, of NumPy or of torch; the oracle of
a CUDA twin, and of a second way to the same numbers, is the CPU loop that has one. A benchmark is a row of
`bench/run.py`, or after `gpu:` a case of `bench/gpu/run.py`; most small kernels are timed as a part of their caller.
"""


class Checks(NamedTuple):
    """Names with a dot: ``module.function``."""

    oracle: str
    test: str
    benchmark: str = ""


CHECKS = {
    # --- tables ---
    "alias.fill_slots": Checks("reference.alias_slots", "test_alias.test_random_rows", "plans of alarm"),
    "cpt.sample_cpu": Checks(
        "reference.sample", "test_cpt.test_samples_equal_the_oracle_bit_for_bit", "alarm-1M/sample"
    ),
    "cpt.log_prob_cpu": Checks(
        "reference.log_prob_per_variable", "test_cpt.test_log_prob_equals_the_oracle", "alarm-1M/log_prob"
    ),
    "cpt.log_prob_rows_cpu": Checks(
        "reference.log_prob_per_variable",
        "test_cpt.test_log_prob_equals_the_oracle",
        "alarm-1M-forms/log_prob_of_int64_rows",
    ),
    "cpt.log_prob_per_variable_cpu": Checks(
        "reference.log_prob_per_variable", "test_cpt.test_log_prob_equals_the_oracle"
    ),
    "cpt.count_cpu": Checks("reference.count", "test_fit.test_tables_are_counts_plus_prior", "alarm-1M/fit"),
    "cpt_classes.log_prob_of_states_cpu": Checks("cpt.log_prob_cpu", "test_predict.test_all_states_in_one_pass"),
    "cpt_scoring_cuda.log_prob_of_states_cuda": Checks(
        "cpt_classes.log_prob_of_states_cpu", "test_predict.test_the_twin", "gpu: log_prob of states"
    ),
    "elimination.log_sums_cpu": Checks(
        "reference_latent.log_sum", "test_elimination.test_sums_are_those_over_every_configuration"
    ),
    "elimination.posterior_cpu": Checks(
        "reference_latent.marginal", "test_elimination.test_sums_are_those_over_every_configuration"
    ),
    "elimination_cuda.log_sums_cuda": Checks(
        "elimination.log_sums_cpu", "test_elimination.test_twins", "gpu: log sums"
    ),
    "elimination_cuda.posterior_cuda": Checks(
        "elimination.posterior_cpu", "test_elimination.test_twins", "gpu: posterior"
    ),
    # --- evidence, sliced ---
    "sliced_rows.load_rows_cpu": Checks(
        "reference_evidence.log_evidence", "test_sliced.test_all_answers_are_those_over_every_joint_state"
    ),
    "sliced_lowering.lower_rows_cpu": Checks(
        "reference_evidence.log_evidence", "test_sliced.test_all_answers_are_those_over_every_joint_state"
    ),
    "sliced_answers.log_evidence_cpu": Checks(
        "reference_evidence.log_evidence", "test_sliced.test_all_answers_are_those_over_every_joint_state"
    ),
    "sliced_answers.marginals_cpu": Checks(
        "reference_evidence.marginals", "test_sliced.test_all_answers_are_those_over_every_joint_state"
    ),
    "sliced_answers.expected_counts_cpu": Checks(
        "reference_evidence.expected_counts", "test_sliced.test_all_answers_are_those_over_every_joint_state"
    ),
    "sliced_answers.most_probable_cpu": Checks(
        "reference_evidence.most_probable", "test_sliced.test_all_answers_are_those_over_every_joint_state"
    ),
    "sliced_answers.draw_cpu": Checks(
        "reference_evidence.joint_probabilities", "test_sliced.test_draws_have_the_posterior_distribution"
    ),
    "sliced_cuda.log_evidence_cuda": Checks(
        "sliced_answers.log_evidence_cpu", "test_sliced_cuda.test_log_evidence", "gpu: log evidence"
    ),
    "sliced_cuda.marginals_cuda": Checks(
        "sliced_answers.marginals_cpu", "test_sliced_cuda.test_marginals", "gpu: marginals"
    ),
    # --- evidence, all rows alike ---
    "junction.answer_cpu": Checks(
        "reference_evidence.marginals", "test_junction.test_every_answer_is_that_of_the_joint"
    ),
    "junction_states.most_probable_cpu": Checks(
        "reference_evidence.most_probable", "test_junction.test_every_answer_is_that_of_the_joint"
    ),
    "junction_states.draw_cpu": Checks(
        "reference_evidence.expected_counts", "test_junction.test_draws_follow_the_posterior"
    ),
    "junction_cuda.answer_cuda": Checks("junction.answer_cpu", "test_junction_cuda.test_marginals", "gpu: marginals"),
    "junction_cuda.answer_shared_cuda": Checks(
        "junction.answer_cpu", "test_junction_cuda.test_log_evidence", "gpu: log evidence"
    ),
    "junction_states_cuda.most_probable_cuda": Checks(
        "junction_states.most_probable_cpu", "test_junction_cuda.test_most_probable", "gpu: most probable"
    ),
    "junction_states_cuda.draw_cuda": Checks("junction_states.draw_cpu", "test_junction_cuda.test_draws", "gpu: draw"),
    "evidence_cuda.subtract_cuda": Checks("numpy.subtract", "test_evidence_cuda.test_differences", "gpu: subtract"),
    "evidence_cuda.largest_share_cuda": Checks(
        "numpy.argmax", "test_evidence_cuda.test_most_probable_states", "gpu: largest share"
    ),
    "evidence_cuda.modes_cuda": Checks("numpy.argmax", "test_evidence_cuda.test_most_probable_states", "gpu: modes"),
    "evidence_cuda.copy_row_cuda": Checks("numpy.take", "test_evidence_cuda.test_copies", "gpu: copy row"),
    "evidence_cuda.widen_cuda": Checks("numpy.astype", "test_evidence_cuda.test_copies", "gpu: widen"),
    # --- rows and columns ---
    "tiles.columns_from_rows_cpu": Checks(
        "numpy.transpose", "test_tiles.test_rows_become_columns", "alarm-1M-forms/log_prob_of_int64_rows"
    ),
    "tiles.narrow_columns_cpu": Checks("numpy.ndarray.astype", "test_tiles.test_columns_are_narrowed"),
    "real_tiles.check_reals_cpu": Checks("numpy.isfinite", "test_real_tiles.test_what_is_no_number_is_reported"),
    "real_tiles.reals_from_rows_cpu": Checks("numpy.transpose", "test_real_tiles.test_rows_become_columns"),
    "tiles.relabel_cpu": Checks(
        "numpy.take", "test_tiles.test_bytes_are_relabelled", "alarm-1M-forms/log_prob_of_a_pandas_frame"
    ),
    "evidence_tiles.evidence_from_rows_cpu": Checks(
        "numpy.transpose", "test_evidence_tiles.test_rows_and_columns_are_narrowed"
    ),
    "evidence_tiles.evidence_from_columns_cpu": Checks(
        "numpy.ndarray.astype", "test_evidence_tiles.test_rows_and_columns_are_narrowed"
    ),
    "evidence_tiles.relabel_or_missing_cpu": Checks("numpy.take", "test_evidence_tiles.test_values_are_relabelled"),
    "evidence_tiles.codes_of_floats_cpu": Checks(
        "numpy.ndarray.astype", "test_evidence_tiles.test_floats_become_codes"
    ),
    "tiles_cuda.reset_flags_cuda": Checks(
        "numpy.full", "test_cuda_boundary.test_nothing_is_found_at_first", "gpu: reset flags"
    ),
    "tiles_cuda.check_columns_cuda": Checks(
        "tiles.narrow_columns_cpu",
        "test_cuda_boundary.test_what_is_wrong_is_refused_in_the_words_of_the_cpu",
        "gpu: check columns",
    ),
    "tiles_cuda.load_columns_cuda": Checks(
        "tiles.narrow_columns_cpu", "test_cuda_boundary.test_codes_of_any_type_and_layout", "gpu: load columns"
    ),
    "tiles_cuda.load_rows_cuda": Checks(
        "tiles.columns_from_rows_cpu", "test_cuda_boundary.test_more_rows_than_a_tile_and_more_cells", "gpu: load rows"
    ),
    "tiles_cuda.relabel_cuda": Checks(
        "numpy.take", "test_cuda_boundary.test_booleans_match_states_by_name", "gpu: relabel"
    ),
    "tiles_cuda.fill_cuda": Checks("numpy.full", "test_cuda_boundary.test_missing_values", "gpu: fill"),
    "cpt_cuda.sample_cuda": Checks("cpt.sample_cpu", "test_cuda.test_samples_are_those_of_the_cpu", "gpu: sample"),
    "cpt_scoring_cuda.log_prob_cuda": Checks("cpt.log_prob_cpu", "test_cuda.test_log_prob", "gpu: log_prob columns"),
    "cpt_scoring_cuda.log_prob_per_variable_cuda": Checks(
        "cpt.log_prob_per_variable_cpu", "test_cuda.test_log_prob", "gpu: log_prob per variable"
    ),
    "cpt_posterior_cuda.posterior_of_states_cuda": Checks(
        "numpy.exp",
        "test_cuda_classes.test_posteriors_of_complete_rows_are_those_of_the_cpu",
        "gpu: posterior of states",
    ),
    "cpt_counting_cuda.count_rows_cuda": Checks(
        "reference.count", "test_cuda.test_counts_are_those_of_the_cpu", "gpu: count rows"
    ),
    "cpt_counting_cuda.count_cuda": Checks(
        "reference.count", "test_cuda.test_counts_are_those_of_the_cpu", "gpu: count"
    ),
    # --- weighted sums ---
    "logistic.sample_cpu": Checks("reference_logistic.draw_bits", "test_logistic.test_samples_are_those_of_the_oracle"),
    "logistic.log_prob_cpu": Checks(
        "reference_logistic.logistic_log_prob", "test_logistic.test_log_prob_is_that_of_the_oracle"
    ),
    "logistic.log_prob_per_variable_cpu": Checks(
        "reference_logistic.logistic_log_prob", "test_logistic.test_log_prob_is_that_of_the_oracle"
    ),
    "logistic_cuda.sample_cuda": Checks("logistic.sample_cpu", "test_logistic_cuda.test_samples", "gpu: sample"),
    "logistic_cuda.log_prob_cuda": Checks(
        "logistic.log_prob_cpu", "test_logistic_cuda.test_samples_and_log_prob_beside_reals", "gpu: log_prob"
    ),
    "logistic_cuda.log_prob_per_variable_cuda": Checks(
        "logistic.log_prob_per_variable_cpu",
        "test_logistic_cuda.test_samples_and_log_prob_beside_reals",
        "gpu: log_prob per variable",
    ),
    # --- parameters that torch modules gave ---
    "module_features.features_cpu": Checks("reference_neural.features", "test_module_kernels.test_features"),
    "module_cuda.features_cuda": Checks(
        "module_features.features_cpu", "test_module_kernels_cuda.test_features", "gpu: features"
    ),
    "module_discrete.sample_bits_cpu": Checks(
        "reference_neural.draw_bits", "test_module_kernels.test_draws_are_the_oracles"
    ),
    "module_discrete.log_prob_bits_cpu": Checks(
        "reference_neural.bits_terms", "test_module_kernels.test_log_prob_is_the_oracles"
    ),
    "module_discrete.sample_states_cpu": Checks(
        "reference_neural.draw_states", "test_module_kernels.test_draws_are_the_oracles"
    ),
    "module_discrete.log_prob_states_cpu": Checks(
        "reference_neural.states_terms", "test_module_kernels.test_log_prob_is_the_oracles"
    ),
    "module_reals.sample_normals_cpu": Checks(
        "reference_neural.draw_normals", "test_module_kernels.test_draws_are_the_oracles"
    ),
    "module_reals.log_prob_normals_cpu": Checks(
        "reference_neural.normal_terms", "test_module_kernels.test_log_prob_is_the_oracles"
    ),
    "module_reals.sample_mixtures_cpu": Checks(
        "reference_neural.draw_mixtures", "test_module_kernels.test_draws_are_the_oracles"
    ),
    "module_reals.log_prob_mixtures_cpu": Checks(
        "reference_neural.mixture_terms", "test_module_kernels.test_log_prob_is_the_oracles"
    ),
    "module_cuda.sample_bits_cuda": Checks(
        "module_discrete.sample_bits_cpu", "test_module_kernels_cuda.test_twins", "gpu: sample bernoulli"
    ),
    "module_cuda.log_prob_bits_cuda": Checks(
        "module_discrete.log_prob_bits_cpu", "test_module_kernels_cuda.test_twins", "gpu: log_prob bernoulli"
    ),
    "module_cuda.sample_states_cuda": Checks(
        "module_discrete.sample_states_cpu", "test_module_kernels_cuda.test_twins", "gpu: sample categorical"
    ),
    "module_cuda.log_prob_states_cuda": Checks(
        "module_discrete.log_prob_states_cpu", "test_module_kernels_cuda.test_twins", "gpu: log_prob categorical"
    ),
    "module_cuda.sample_normals_cuda": Checks(
        "module_reals.sample_normals_cpu", "test_module_kernels_cuda.test_twins", "gpu: sample normal"
    ),
    "module_cuda.log_prob_normals_cuda": Checks(
        "module_reals.log_prob_normals_cpu", "test_module_kernels_cuda.test_twins", "gpu: log_prob normal"
    ),
    "module_cuda.sample_mixtures_cuda": Checks(
        "module_reals.sample_mixtures_cpu", "test_module_kernels_cuda.test_twins", "gpu: sample mixture"
    ),
    "module_cuda.log_prob_mixtures_cuda": Checks(
        "module_reals.log_prob_mixtures_cpu", "test_module_kernels_cuda.test_twins", "gpu: log_prob mixture"
    ),
    # --- linear Gaussians and roots ---
    "gaussian.sample_cpu": Checks("reference_gaussian.standard", "test_gaussian.test_rows_are_the_oracles"),
    "gaussian.log_prob_cpu": Checks(
        "reference_gaussian.gaussian_log_prob", "test_gaussian.test_log_prob_is_the_oracles"
    ),
    "gaussian.log_prob_per_variable_cpu": Checks(
        "reference_gaussian.gaussian_log_prob", "test_gaussian.test_log_prob_is_the_oracles"
    ),
    "gaussian_gradient.gradient_cpu": Checks(
        "reference_gaussian.gaussian_gradient", "test_gaussian_gradient.test_the_gradient_is_the_oracles"
    ),
    "gaussian_gradient_cuda.gradient_cuda": Checks(
        "gaussian_gradient.gradient_cpu",
        "test_gaussian_gradient.test_the_twin_has_the_same_gradient",
        "gpu: gaussian gradient",
    ),
    "gaussian_cuda.sample_cuda": Checks(
        "gaussian.sample_cpu", "test_gaussian_cuda.test_samples_are_those_of_the_cpu", "gpu: gaussian sample"
    ),
    "gaussian_cuda.log_prob_cuda": Checks(
        "gaussian.log_prob_cpu", "test_gaussian_cuda.test_log_prob_is_that_of_the_cpu", "gpu: gaussian log_prob"
    ),
    "gaussian_cuda.log_prob_per_variable_cuda": Checks(
        "gaussian.log_prob_per_variable_cpu",
        "test_gaussian_cuda.test_log_prob_is_that_of_the_cpu",
        "gpu: gaussian log_prob per variable",
    ),
    "roots.sample_cpu": Checks("reference_gaussian.standard", "test_roots.test_rows_and_log_prob_are_the_oracles"),
    "roots.log_prob_cpu": Checks(
        "reference_gaussian.laplace_log_prob", "test_roots.test_rows_and_log_prob_are_the_oracles"
    ),
    "roots.log_prob_per_variable_cpu": Checks(
        "reference_gaussian.laplace_log_prob", "test_roots.test_rows_and_log_prob_are_the_oracles"
    ),
    "roots_cuda.sample_cuda": Checks(
        "roots.sample_cpu", "test_gaussian_cuda.test_samples_are_those_of_the_cpu", "gpu: root sample"
    ),
    "roots_cuda.log_prob_cuda": Checks(
        "roots.log_prob_cpu", "test_gaussian_cuda.test_log_prob_is_that_of_the_cpu", "gpu: root log_prob"
    ),
    "roots_cuda.log_prob_per_variable_cuda": Checks(
        "roots.log_prob_per_variable_cpu",
        "test_gaussian_cuda.test_log_prob_is_that_of_the_cpu",
        "gpu: root log_prob per variable",
    ),
    "intervals.log_mean_density_cpu": Checks("reference_joint.integral", "test_intervals.test_quadrature"),
    "intervals_cuda.log_mean_density_cuda": Checks(
        "intervals.log_mean_density_cpu", "test_intervals.test_twin", "gpu: log mean density"
    ),
    # --- normal vectors ---
    "multivariate.sample_vector_cpu": Checks("reference_multivariate.draws", "test_multivariate_kernels.test_samples"),
    "multivariate.log_prob_vector_cpu": Checks(
        "reference_multivariate.log_prob", "test_multivariate_kernels.test_log_prob"
    ),
    "multivariate.log_prob_components_cpu": Checks(
        "reference_multivariate.log_prob", "test_multivariate_kernels.test_log_prob"
    ),
    "terms_cuda.add_cuda": Checks("numpy.add", "test_cuda_reals.test_terms", "gpu: terms add"),
    "terms_cuda.clear_cuda": Checks("numpy.zeros", "test_cuda_reals.test_terms", "gpu: terms clear"),
    "multivariate_cuda.sample_vector_cuda": Checks(
        "multivariate.sample_vector_cpu", "test_multivariate_kernels.test_twin_of_samples", "gpu: vector sample"
    ),
    "multivariate_cuda.log_prob_vector_cuda": Checks(
        "multivariate.log_prob_vector_cpu", "test_multivariate_kernels.test_twin_of_log_prob", "gpu: vector log_prob"
    ),
    "multivariate_cuda.log_prob_components_cuda": Checks(
        "multivariate.log_prob_components_cpu",
        "test_multivariate_kernels.test_twin_of_log_prob_of_components",
        "gpu: vector log_prob of components",
    ),
    # --- hidden Markov chains ---
    "hmm.forward_log_cpu": Checks("reference_hmm.forward", "test_hmm.test_one_sequence_at_a_time"),
    "hmm.backward_log_cpu": Checks("reference_hmm.backward", "test_hmm.test_one_sequence_at_a_time"),
    "hmm.forward_scaled_cpu": Checks("reference_hmm.forward", "test_hmm.test_scaled_passes_are_the_logarithms_ones"),
    "hmm.backward_scaled_cpu": Checks("reference_hmm.backward", "test_hmm.test_scaled_passes_are_the_logarithms_ones"),
    "hmm.viterbi_cpu": Checks("reference_hmm.log_joint", "test_hmm.test_viterbi_is_the_best_of_all_state_sequences"),
    "hmm_lanes.log_prob_cpu": Checks("reference_hmm.posterior", "test_hmm.test_many_sequences_are_those_by_definition"),
    "hmm_lanes.posterior_cpu": Checks(
        "reference_hmm.posterior", "test_hmm.test_many_sequences_are_those_by_definition"
    ),
    "hmm_cuda.forward_log_cuda": Checks(
        "reference_hmm.forward", "test_hmm_cuda.test_one_sequence_at_a_time", "gpu: forward log"
    ),
    "hmm_cuda.backward_log_cuda": Checks(
        "reference_hmm.backward", "test_hmm_cuda.test_one_sequence_at_a_time", "gpu: backward log"
    ),
    "hmm_cuda.forward_scaled_cuda": Checks(
        "hmm.forward_scaled_cpu", "test_hmm_cuda.test_scaled_passes", "gpu: forward scaled"
    ),
    "hmm_cuda.backward_scaled_cuda": Checks(
        "hmm.backward_scaled_cpu", "test_hmm_cuda.test_scaled_passes", "gpu: backward scaled"
    ),
    "hmm_cuda.viterbi_cuda": Checks(
        "reference_hmm.log_joint", "test_hmm_cuda.test_viterbi", "gpu: viterbi in a lattice"
    ),
    "hmm_lanes_cuda.log_prob_cuda": Checks("hmm_lanes.log_prob_cpu", "test_hmm_cuda.test_log_prob", "gpu: log_prob"),
    "hmm_lanes_cuda.log_prob_shared_cuda": Checks(
        "hmm_lanes.log_prob_cpu", "test_hmm_cuda.test_log_prob", "gpu: log_prob"
    ),
    "hmm_posterior_cuda.posterior_cuda": Checks(
        "hmm_lanes.posterior_cpu", "test_hmm_cuda.test_posterior", "gpu: posterior"
    ),
    "hmm_posterior_cuda.posterior_shared_cuda": Checks(
        "hmm_lanes.posterior_cpu", "test_hmm_cuda.test_posterior", "gpu: posterior"
    ),
    # --- moments ---
    "moments.moments_cpu": Checks(
        "reference_moments.moments",
        "test_moments.test_moments_are_those_of_exact_fractions",
    ),
    "moments_cuda.moments_cuda": Checks(
        "moments.moments_cpu", "test_moments_cuda.test_moments_are_those_of_the_loop", "gpu: moments by block"
    ),
    "moments_cuda.first_values_cuda": Checks(
        "moments.moments_cpu", "test_moments_cuda.test_moments_are_those_of_the_loop", "gpu: moments first values"
    ),
    "moments_cuda.first_bad_weight_cuda": Checks(
        "numpy.argmax", "test_moments_cuda.test_bad_weights_are_found", "gpu: moments first bad weight"
    ),
    "moments_cuda.fold_cuda": Checks(
        "moments.moments_cpu", "test_moments_cuda.test_moments_are_those_of_the_loop", "gpu: moments fold"
    ),
    # --- matrices on a GPU ---
    "matrices_cuda.clear_flags_cuda": Checks(
        "test_cuda_matrices.first_wrong", "test_cuda_matrices.test_codes", "gpu: clear flags"
    ),
    "matrices_cuda.check_codes_cuda": Checks(
        "test_cuda_matrices.first_wrong", "test_cuda_matrices.test_codes", "gpu: check codes"
    ),
    "matrices_cuda.load_codes_cuda": Checks(
        "test_cuda_matrices.first_wrong", "test_cuda_matrices.test_codes", "gpu: load codes"
    ),
    "matrices_cuda.load_reals_cuda": Checks("numpy.isfinite", "test_cuda_matrices.test_reals", "gpu: load reals"),
    "matrices_cuda.load_uniforms_cuda": Checks("numpy.clip", "test_cuda_matrices.test_uniforms", "gpu: load uniforms"),
    "matrices_cuda.check_scores_cuda": Checks(
        "numpy.flatnonzero", "test_cuda_matrices.test_rows_without_a_number", "gpu: check scores"
    ),
    "matrices_cuda.check_undefined_cuda": Checks(
        "numpy.flatnonzero", "test_cuda_matrices.test_rows_without_a_number", "gpu: check undefined"
    ),
    "matrices_cuda.partial_sums_cuda": Checks("numpy.sum", "test_cuda_matrices.test_sums", "gpu: partial sums"),
    # --- masked networks ---
    "noise.uniforms_cpu": Checks("reference_ar.uniforms", "test_noise.test_uniforms_are_the_oracles"),
    "noise.normals_cpu": Checks("reference_gaussian.standard", "test_noise.test_normals_are_the_oracles"),
    "noise_cuda.uniforms_cuda": Checks("noise.uniforms_cpu", "test_noise.test_the_twins", "gpu: noise uniforms"),
    "noise_cuda.normals_cuda": Checks("noise.normals_cpu", "test_noise.test_the_twins", "gpu: noise normals"),
    "uniforms.uniforms_cpu": Checks("reference_ar.uniforms", "test_uniforms.test_the_kernel_for_modules"),
    "made.log_prob_cpu": Checks(
        "reference_ar.terms",
        "test_made.test_probabilities_sum_to_one_and_are_those_of_the_oracle",
        "made-784-500-1000/log_prob",
    ),
    "made_sampling.sample_cpu": Checks(
        "reference_ar.sample",
        "test_heads.test_float64_samples_are_those_of_the_naive_method",
        "made-784-500-1000/sample",
    ),
    "made_rows.log_prob_few_rows_cpu": Checks(
        "made.log_prob_cpu", "test_made_rows.test_few_rows_are_scored_as_many", "made-784-500-1/log_prob"
    ),
    "made_rows.sample_few_rows_cpu": Checks(
        "made_sampling.sample_cpu", "test_made_rows.test_few_rows_are_those_of_many", "made-784-500-1/sample"
    ),
    "made_gradient.backward_cpu": Checks(
        "torch.autograd.gradcheck",
        "test_interop_torch.test_gradcheck_of_every_parameter",
        "training-made-784-500/fit",
    ),
    "made_gradient.gradients_cpu": Checks(
        "torch.autograd.gradcheck", "test_interop_torch.test_gradcheck_of_every_parameter"
    ),
    "made_gradient.update_cpu": Checks(
        "torch.optim.AdamW",
        "test_made_fit.test_fit_takes_the_steps_of_torch",
        "training-made-784-500/fit",
    ),
    "made_cuda.log_prob_cuda": Checks("made.log_prob_cpu", "test_made_cuda.test_log_prob", "gpu: log_prob"),
    "made_cuda.begin_rows_cuda": Checks(
        "made_sampling.sample_cpu", "test_cuda_models.test_panels_by_torch_give_the_same_rows", "gpu: begin rows"
    ),
    "made_cuda.draw_block_cuda": Checks(
        "made_sampling.sample_cpu", "test_cuda_models.test_panels_by_torch_give_the_same_rows", "gpu: draw block"
    ),
    "made_training_cuda.load_minibatch_cuda": Checks(
        "made_gradient.backward_cpu", "test_made_fit_cuda.test_fit_takes_the_steps_of_the_cpu", "gpu: load minibatch"
    ),
    "made_training_cuda.forward_layer_cuda": Checks(
        "made_gradient.backward_cpu", "test_made_fit_cuda.test_fit_takes_the_steps_of_the_cpu", "gpu: forward layer"
    ),
    "made_training_cuda.head_slopes_cuda": Checks(
        "made_gradient.backward_cpu", "test_made_fit_cuda.test_fit_takes_the_steps_of_the_cpu", "gpu: head slopes"
    ),
    "made_training_cuda.activation_slopes_cuda": Checks(
        "made_gradient.backward_cpu", "test_made_fit_cuda.test_fit_takes_the_steps_of_the_cpu", "gpu: activation slopes"
    ),
    "made_training_cuda.backward_layer_cuda": Checks(
        "made_gradient.backward_cpu", "test_made_fit_cuda.test_fit_takes_the_steps_of_the_cpu", "gpu: backward layer"
    ),
    "made_training_cuda.update_weights_cuda": Checks(
        "made_gradient.update_cpu", "test_made_fit_cuda.test_fit_takes_the_steps_of_the_cpu", "gpu: update weights"
    ),
    "made_training_cuda.update_biases_cuda": Checks(
        "made_gradient.update_cpu", "test_made_fit_cuda.test_fit_takes_the_steps_of_the_cpu", "gpu: update biases"
    ),
    "made_training_cuda.copy_cuda": Checks(
        "made_gradient.update_cpu", "test_made_fit_cuda.test_fit_takes_the_steps_of_the_cpu", "gpu: copy"
    ),
    "made_cuda.sample_cuda": Checks("made_sampling.sample_cpu", "test_made_cuda.test_samples", "gpu: sample"),
    "adam.adam_cpu": Checks("test_adam.formula", "test_adam.test_the_formula"),
    "adam_cuda.adam_cuda": Checks("adam.adam_cpu", "test_adam.test_the_cuda_twin", "gpu: adam"),
    # --- NADE ---
    "nade.nade_log_prob_cpu": Checks(
        "reference_nade.log_prob",
        "test_nade.test_log_prob_is_that_of_the_oracle_and_sums_to_one",
        "nade-784-500-half-1000/log_prob",
    ),
    "nade.nade_sample_cpu": Checks(
        "reference_nade.sample",
        "test_nade.test_float64_samples_are_those_of_the_naive_method",
        "nade-784-500-half-1000/sample",
    ),
    "nade.nade_factor_cpu": Checks(
        "reference_nade.log_prob", "test_nade.test_log_prob_is_that_of_the_oracle_and_sums_to_one"
    ),
    "nade_gradient.nade_gradient_cpu": Checks(
        "reference_nade.log_prob", "test_nade.test_gradients_are_those_of_finite_differences"
    ),
    "nade_gradient.nade_sum_cpu": Checks(
        "reference_nade.log_prob", "test_nade.test_gradients_are_those_of_finite_differences"
    ),
    "nade_cuda.nade_slopes_cuda": Checks(
        "nade_gradient.nade_gradient_cpu", "test_nade_cuda.test_gradients", "gpu: slopes"
    ),
    "nade_gradient_cuda.nade_gradient_cuda": Checks(
        "nade_gradient.nade_gradient_cpu", "test_nade_cuda.test_gradients", "gpu: gradients of slopes"
    ),
    "nade_gradient_cuda.nade_rows_cuda": Checks(
        "numpy.take", "test_nade_cuda.test_steps_are_those_of_the_cpu", "gpu: rows"
    ),
    "nade_gradient_cuda.nade_sum_cuda": Checks(
        "nade_gradient.nade_sum_cpu", "test_nade_cuda.test_parts_are_added_in_order", "gpu: sum parts"
    ),
    "nade_cuda.nade_log_prob_cuda": Checks("nade.nade_log_prob_cpu", "test_nade_cuda.test_log_prob", "gpu: log_prob"),
    "nade_cuda.nade_sample_cuda": Checks("nade.nade_sample_cpu", "test_nade_cuda.test_samples", "gpu: sample"),
    # --- Markov chains ---
    "markov.log_prob_cpu": Checks(
        "reference_markov.Chain", "test_markov.test_log_prob_is_that_of_the_oracle", "chain-text/log_prob"
    ),
    "markov.terms_cpu": Checks("reference_markov.Chain", "test_markov.test_any_sequences"),
    "markov.sum_runs": Checks(
        "reference_markov.truncated", "test_markov_sampling.test_sampling_log_prob_is_that_of_what_was_drawn"
    ),
    "markov.sum_parts": Checks("reference_markov.Chain", "test_markov.test_long_sequences"),
    "markov_counting.count_rows_cpu": Checks(
        "reference_markov.Chain", "test_markov.test_log_prob_is_that_of_the_oracle", "chain-text/fit"
    ),
    "markov_counting.collect_counts": Checks(
        "markov_counting.count_cpu", "test_markov.test_rows_of_counts_are_those_of_the_hash_table", "chain-text/fit"
    ),
    "markov_counting.count_cpu": Checks("reference_markov.Chain", "test_markov.test_log_prob_is_that_of_the_oracle"),
    "markov_counting.enter": Checks("markov_counting.count_cpu", "test_markov.test_counting_in_pieces"),
    "markov_counting.look_up": Checks("markov_counting.count_cpu", "test_markov.test_counting_in_pieces"),
    "streams.translate": Checks("builtins.ord", "test_sequences.test_many_characters"),
    "streams.translate_bytes": Checks(
        "builtins.ord", "test_sequences.test_bytes_are_translated", "chain-text/log_prob_of_a_string"
    ),
    "streams.mark_seen": Checks("builtins.tuple", "test_sequences.test_many_characters"),
    "streams.with_ends": Checks(
        "numpy.insert", "test_sequences.test_every_sequence_gets_its_end", "chain-text/log_prob"
    ),
    "markov_sampling.sample_rows_cpu": Checks(
        "reference.draws",
        "test_markov_sampling.test_symbols_are_those_of_the_alias_table_and_the_words",
        "chain-rows/sample",
    ),
    "markov_sampling.sample_stream_cpu": Checks(
        "markov.log_prob_cpu",
        "test_markov_sampling.test_frequencies_of_sequences",
        "chain-strings/sample_of_strings",
    ),
    "markov_sampling.sample_given_uniforms_cpu": Checks(
        "reference_markov.truncated", "test_markov_sampling.test_uniforms_give_the_inverse_cdf"
    ),
    "markov_sparse.sparse_log_prob_cpu": Checks(
        "reference_markov.Chain", "test_markov_sparse.test_log_prob_is_that_of_the_oracle_and_of_full_tables"
    ),
    "markov_sparse.sparse_terms_cpu": Checks("reference_markov.Chain", "test_markov_sparse.test_any_sequences"),
    "markov_sparse.advance_cpu": Checks(
        "reference_markov.truncated", "test_markov_sparse.test_changed_draws_are_those_of_full_tables"
    ),
    "markov_sparse.states_after": Checks(
        "reference_markov.truncated", "test_markov_sparse.test_changed_draws_are_those_of_full_tables"
    ),
    "markov_sparse.distributions": Checks(
        "reference_markov.truncated", "test_markov_sparse.test_changed_draws_are_those_of_full_tables"
    ),
    "markov_sparse.fill_sparse_slots": Checks(
        "test_markov_sparse.oracle_draw", "test_markov_sparse.test_draws_are_those_of_the_words"
    ),
    "markov_sparse.sparse_sample_rows_cpu": Checks(
        "markov_sparse.sparse_log_prob_cpu", "test_markov_sparse.test_frequencies_of_rows"
    ),
    "markov_sparse.sparse_sample_stream_cpu": Checks(
        "test_markov_sparse.oracle_draw", "test_markov_sparse.test_draws_are_those_of_the_words"
    ),
    "markov_sparse.pick_by_words": Checks(
        "markov_sampling.sample_stream_cpu", "test_markov_sparse.test_changed_draws_are_those_of_full_tables"
    ),
    "markov_sparse.pick_by_uniforms": Checks(
        "markov_sampling.sample_given_uniforms_cpu", "test_markov_sparse.test_uniforms_give_the_inverse_cdf"
    ),
    "markov_cuda.log_prob_cuda": Checks(
        "markov.log_prob_cpu", "test_markov_cuda.test_log_prob", "gpu: log_prob by pieces"
    ),
    "markov_cuda.log_prob_shared_cuda": Checks(
        "markov.log_prob_cpu", "test_markov_cuda.test_log_prob", "gpu: log_prob by pieces"
    ),
    "markov_cuda.sum_pieces_cuda": Checks("numpy.sum", "test_markov_cuda.test_log_prob", "gpu: sum pieces"),
    "markov_cuda.terms_cuda": Checks(
        "markov.terms_cpu", "test_markov_cuda.test_log_prob_of_every_symbol", "gpu: terms by pieces"
    ),
    "markov_sampling_cuda.sample_cuda": Checks(
        "markov_sampling.sample_stream_cpu", "test_markov_cuda.test_samples_are_those_of_the_cpu", "gpu: sample twice"
    ),
    "markov_sampling_cuda.sample_shared_cuda": Checks(
        "markov_sampling.sample_stream_cpu", "test_markov_cuda.test_samples_are_those_of_the_cpu", "gpu: sample twice"
    ),
    "markov_counting_cuda.count_cuda": Checks(
        "markov_counting.count_cpu", "test_markov_cuda.test_fit", "gpu: count by key"
    ),
    "markov_counting_cuda.count_shared_cuda": Checks(
        "markov_counting.count_cpu", "test_markov_cuda.test_fit", "gpu: count by key"
    ),
    "markov_counting_cuda.count_hashed_cuda": Checks(
        "markov_counting.count_cpu", "test_markov_cuda.test_fit", "gpu: count in a hash table"
    ),
    "markov_counting_cuda.clear_cuda": Checks(
        "markov_counting.count_cpu", "test_markov_cuda.test_fit", "gpu: clear counts"
    ),
    "markov_counting_cuda.collect_counts_cuda": Checks(
        "markov_counting.collect_counts", "test_markov_cuda.test_fit", "gpu: collect counts"
    ),
    "markov_sparse_cuda.sparse_log_prob_cuda": Checks(
        "markov_sparse.sparse_log_prob_cpu", "test_markov_cuda.test_log_prob", "gpu: sparse log_prob by pieces"
    ),
    "markov_sparse_cuda.sparse_terms_cuda": Checks(
        "markov_sparse.sparse_terms_cpu",
        "test_markov_cuda.test_log_prob_of_every_symbol",
        "gpu: sparse terms by pieces",
    ),
    "markov_sparse_cuda.sparse_sample_cuda": Checks(
        "markov_sparse.sparse_sample_stream_cpu",
        "test_markov_cuda.test_samples_are_those_of_the_cpu",
        "gpu: sparse sample twice",
    ),
    "sequences_cuda.load_codes_cuda": Checks(
        "streams.with_ends", "test_markov_cuda.test_any_integers_in_any_layout", "gpu: load codes"
    ),
    "sequences_cuda.load_offsets_cuda": Checks(
        "numpy.diff", "test_markov_cuda.test_any_integers_in_any_layout", "gpu: load offsets"
    ),
    "sequences_cuda.starts_cuda": Checks(
        "numpy.cumsum", "test_markov_cuda.test_log_prob_of_every_symbol", "gpu: starts"
    ),
    "sequences_cuda.sum_chunks_cuda": Checks(
        "numpy.sum", "test_markov_cuda.test_any_integers_in_any_layout", "gpu: sum chunks"
    ),
    "sequences_cuda.offsets_of_cuda": Checks(
        "numpy.cumsum", "test_markov_cuda.test_any_integers_in_any_layout", "gpu: offsets"
    ),
}


def kernels() -> Iterator[tuple[str, str]]:
    """Names and formulas of what Python calls in kernels/: what is decorated with @kernel or @cuda.jit."""
    for path in sorted((ROOT / "kernels").glob("*.py"), key=lambda path: ("_cuda" in path.stem, path.stem)):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
                if decorators & {"kernel", "cuda.jit"}:
                    yield f"{path.stem}.{node.name}", formula_of(ast.get_docstring(node) or "")


def formula_of(docstring: str) -> str:
    """The first sentence; the dots of ``begin .. end`` are no end of it."""
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"(?<!\.)\. (?=[A-Z])", paragraph)[0].rstrip(".").replace("``", "`").replace("|", "\\|")


def row_of(name: str, formula: str) -> str:
    """A line of the table."""
    checks = CHECKS.get(name)
    if checks is None:
        raise SystemExit(f"{name} has no oracle and test: add it to CHECKS in .docs/kernels.py")
    module, test = checks.test.split(".")
    benchmark = f"`{checks.benchmark}`" if checks.benchmark else ""
    return f"| `{name}` | {formula} | `{checks.oracle}` | [{test}](../tests/{module}.py) | {benchmark} |"


def page() -> str:
    """The whole of kernels.md."""
    rows = [row_of(name, formula) for name, formula in kernels()]
    table = ["| kernel | formula | oracle | test | benchmark |", "|---|---|---|---|---|", *rows]
    return HEAD + "\n" + "\n".join(table) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
