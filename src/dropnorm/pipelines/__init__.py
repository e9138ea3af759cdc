"""One pipeline per step; a study is a chain of them."""
