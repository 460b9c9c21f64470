//! Dense compute: FMA peak, DGEMM, an HPL proxy, AMX tiles.
