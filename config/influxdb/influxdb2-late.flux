import "date"

option task = {name: "sentinel branches late", every: 1d, offset: 1m}

// Whole windows only: a part of one would overwrite the whole.
start = date.truncate(t: -31d, unit: 1h)
stop = date.truncate(t: now(), unit: 1h)

rows = (measurement, field) =>
    from(bucket: "branches")
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == measurement and r._field == field)

shrink = (tables=<-, fn, field) =>
    tables
        |> aggregateWindow(every: 10m, fn: fn, createEmpty: false, timeSrc: "_start")
        |> set(key: "_field", value: field)
        |> to(bucket: "branches-years", org: "durg")
        |> yield(name: field)

rows(measurement: "measure", field: "value") |> shrink(fn: min, field: "min")
rows(measurement: "measure", field: "value") |> shrink(fn: max, field: "max")
rows(measurement: "measure", field: "value") |> shrink(fn: mean, field: "mean")

// Of a zone the worst is kept: an alarm of a second is not averaged away.
rows(measurement: "zone", field: "state") |> shrink(fn: max, field: "state")
rows(measurement: "zone", field: "quality") |> shrink(fn: max, field: "quality")
