"""Hidden Markov chains: forward, backward and Viterbi, sequence by sequence or many side by side."""
