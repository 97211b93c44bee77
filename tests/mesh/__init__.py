"""What the tests of the migration to ambient mode share: a model of the mesh, and trees to migrate."""
