"""The visual Turing test: can a reader tell synthetic from real cases?"""
