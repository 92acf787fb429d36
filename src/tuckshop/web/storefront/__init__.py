"""The vending machine as a page: what buyers and guests see."""
