// The precompiled GoogleTest headers need a translation unit of their own.
