"""Exporters of model families, each with the rows of `docs/models.md` that it makes: one file a family.

A module has

- `VERSIONS`: the packages that pip installs for each version of the exporter, without their dependencies;
- `ROWS`: what is exported, in `common.Row`s;
- `make(row, folder, pictures)`: runs with one version of the exporter, writes `folder/models/export/1/model.onnx` and what belongs
  next to it, and returns the answers of the family's own predictor on that file, as `common.answer` makes them;
- if needed `WITH_DEPENDENCIES`: the versions whose packages are installed with their dependencies; `ENVIRONMENT`: variables of the
  exporter; `SQUARE_BEFORE`: the first version whose predictor does not give networks of free shape the full square.
"""
