//! The tile kernels: eight tile products a pass on four accumulators, without any load or store.
#![allow(unsafe_code)] // inline assembly: the intrinsics are not stable

use std::arch::asm;

/// Rows of a tile.
pub(super) const ROWS: usize = 16;
/// Bytes of a row.
pub(super) const ROW_BYTES: usize = 64;
/// Tile products in a pass.
pub(super) const PRODUCTS: u64 = 8;

/// The tile configuration of `LDTILECFG`: palette 1, eight tiles of 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// All tiles alike.
static SHAPES: Shapes = Shapes {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// A tile in memory.
pub(super) type Tile = [[u8; ROW_BYTES]; ROWS];

/// The tiles of a kernel: accumulators, left and right factors.
#[repr(C, align(64))]
#[derive(Clone)]
pub(super) struct Tiles {
    pub(super) c: [Tile; 4],
    pub(super) a: [Tile; 2],
    pub(super) b: [Tile; 2],
}

/// Defines a kernel by the instruction that multiplies tiles.
macro_rules! kernel {
    ($(#[$doc:meta])* $name:ident, $product:literal) => {
        $(#[$doc])*
        ///
        /// In each pass every accumulator gets a₀·b and a₁·b once. After the last, the first two get a₀·b and the others
        /// a₁·b once more: where a₁ = −a₀ sums stay small, and that last product is what remains.
        ///
        /// # Safety
        ///
        /// The CPU has the tiles and this instruction, and the process was permitted to use tile data.
        #[inline(never)]
        pub(super) unsafe fn $name(passes: u64, tiles: &mut Tiles) {
            // SAFETY: all loads and stores are of whole tiles of 16 × 64 bytes that lie within `tiles`, and of the 64
            // bytes of the configuration; passes is at least 1, so that the loop ends; all tile registers are declared,
            // and released at the end; the caller answers for the instruction set and the permission.
            unsafe {
                asm!(
                    "ldtilecfg [{shapes}]",
                    "tileloadd tmm0, [{tiles} + {stride}]",
                    "tileloadd tmm1, [{tiles} + {stride} + 1024]",
                    "tileloadd tmm2, [{tiles} + {stride} + 2048]",
                    "tileloadd tmm3, [{tiles} + {stride} + 3072]",
                    "tileloadd tmm4, [{tiles} + {stride} + 4096]",
                    "tileloadd tmm5, [{tiles} + {stride} + 5120]",
                    "tileloadd tmm6, [{tiles} + {stride} + 6144]",
                    "tileloadd tmm7, [{tiles} + {stride} + 7168]",
                    ".p2align 5",
                    "2:",
                    concat!($product, " tmm0, tmm4, tmm6"),
                    concat!($product, " tmm1, tmm4, tmm7"),
                    concat!($product, " tmm2, tmm5, tmm6"),
                    concat!($product, " tmm3, tmm5, tmm7"),
                    concat!($product, " tmm0, tmm5, tmm6"),
                    concat!($product, " tmm1, tmm5, tmm7"),
                    concat!($product, " tmm2, tmm4, tmm6"),
                    concat!($product, " tmm3, tmm4, tmm7"),
                    "dec {passes}",
                    "jnz 2b",
                    concat!($product, " tmm0, tmm4, tmm6"),
                    concat!($product, " tmm1, tmm4, tmm7"),
                    concat!($product, " tmm2, tmm5, tmm6"),
                    concat!($product, " tmm3, tmm5, tmm7"),
                    "tilestored [{tiles} + {stride}], tmm0",
                    "tilestored [{tiles} + {stride} + 1024], tmm1",
                    "tilestored [{tiles} + {stride} + 2048], tmm2",
                    "tilestored [{tiles} + {stride} + 3072], tmm3",
                    "tilerelease",
                    shapes = in(reg) &raw const SHAPES,
                    tiles = in(reg) &raw mut *tiles,
                    stride = in(reg) ROW_BYTES,
                    passes = inout(reg) passes.max(1) => _,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}

kernel!(
    /// Products of bf16 pairs into f32.
    bf16, "tdpbf16ps"
);
kernel!(
    /// Products of four signed bytes into i32.
    int8, "tdpbssd"
);
