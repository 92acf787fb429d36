"""Use-cases by noun: what the interfaces call, whoever they speak to."""
