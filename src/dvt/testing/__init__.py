"""For tests of connectors, engines and buckets, in this repository and in other packages.

`dvt.testing.suites` has classes of tests to inherit: what every connector, engine and bucket promises.
`InMemoryBucket` and `ToyEngine` are the smallest things that keep the promises; they can stand in for real
ones. Install `dvt-engine[testing]`. Nothing else in dvt imports this package.
"""
