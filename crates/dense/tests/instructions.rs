//! The instructions of the kernels in the built object: what the compiler and the assembler made of them counts.

use std::collections::BTreeMap;

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use object::{Object, ObjectSection, ObjectSymbol};

/// The instructions of every function whose path begins with `dense::`, by path.
fn functions() -> BTreeMap<String, Vec<Instruction>> {
    // All kernels are reached from here, so that they are linked into this test.
    std::hint::black_box(dense::run as *const ());
    let image = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let file = object::File::parse(&*image).unwrap();
    let mut functions = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.size() > 0) {
        let Ok(name) = symbol.name() else { continue };
        let name = format!("{:#}", rustc_demangle::demangle(name));
        if !name.starts_with("dense::") {
            continue;
        }
        let Some(section) = symbol.section_index().and_then(|index| file.section_by_index(index).ok()) else {
            continue;
        };
        let Ok(Some(code)) = section.data_range(symbol.address(), symbol.size()) else { continue };
        let decoder = Decoder::with_ip(64, code, symbol.address(), DecoderOptions::NONE);
        functions.insert(name, decoder.into_iter().collect());
    }
    functions
}

/// The instructions of the loop: from the target of the last backward jump to that jump.
fn body(code: &[Instruction]) -> &[Instruction] {
    let backward = |i: &Instruction| i.mnemonic() == Mnemonic::Jne && i.near_branch_target() < i.ip();
    let end = code.iter().rposition(backward).expect("a loop");
    let start = code.iter().position(|i| i.ip() == code[end].near_branch_target()).expect("its start");
    &code[start..end]
}

#[test]
fn fma_kernels_multiply_and_add_in_registers_of_their_width() {
    let functions = functions();
    let check = |name: &str, mnemonic: Mnemonic, first: Register| {
        let body = body(&functions[&format!("dense::fma::kernels::{name}")]);
        let (fma, rest): (Vec<&Instruction>, Vec<&Instruction>) = body.iter().partition(|i| i.mnemonic() == mnemonic);
        assert_eq!(fma.len(), 48, "{name}");
        // nothing else but the counter
        assert!(rest.iter().all(|i| i.mnemonic() == Mnemonic::Dec), "{name}: {rest:?}");
        for (place, instruction) in fma.iter().enumerate() {
            assert!((0..3).all(|op| instruction.op_kind(op) == OpKind::Register), "{name}: {instruction}");
            assert_eq!(instruction.op0_register(), first + u32::try_from(place % 12).unwrap(), "{name}");
        }
    };
    check("fp64_scalar", Mnemonic::Vfmadd213sd, Register::XMM0);
    check("fp64_avx2", Mnemonic::Vfmadd213pd, Register::YMM0);
    check("fp64_avx512", Mnemonic::Vfmadd213pd, Register::ZMM0);
    check("fp32_scalar", Mnemonic::Vfmadd213ss, Register::XMM0);
    check("fp32_avx2", Mnemonic::Vfmadd213ps, Register::YMM0);
    check("fp32_avx512", Mnemonic::Vfmadd213ps, Register::ZMM0);
}

#[test]
fn the_chain_is_dependent_additions_of_registers() {
    let functions = functions();
    let body = body(&functions["dense::fma::kernels::chain"]);
    let (adds, rest): (Vec<&Instruction>, Vec<&Instruction>) = body.iter().partition(|i| i.mnemonic() == Mnemonic::Add);
    assert_eq!(adds.len(), 128);
    assert!(rest.iter().all(|i| i.mnemonic() == Mnemonic::Dec), "{rest:?}");
    for add in adds {
        assert_eq!((add.op0_kind(), add.op1_kind()), (OpKind::Register, OpKind::Register), "{add}");
        assert_ne!(add.op0_register(), add.op1_register());
    }
}

#[test]
fn amx_kernels_are_encoded_as_they_are_written() {
    use Register::{TMM0, TMM1, TMM2, TMM3, TMM4, TMM5, TMM6, TMM7};
    let functions = functions();
    let check = |name: &str, product: Mnemonic| {
        let code = &functions[&format!("dense::amx::kernels::{name}")];
        let body = body(code);
        let products: Vec<_> = body.iter().filter(|i| i.mnemonic() == product).collect();
        let operands: Vec<_> =
            products.iter().map(|i| (i.op0_register(), i.op1_register(), i.op2_register())).collect();
        let first = [(TMM0, TMM4, TMM6), (TMM1, TMM4, TMM7), (TMM2, TMM5, TMM6), (TMM3, TMM5, TMM7)];
        let second = [(TMM0, TMM5, TMM6), (TMM1, TMM5, TMM7), (TMM2, TMM4, TMM6), (TMM3, TMM4, TMM7)];
        assert_eq!(operands, [first, second].concat(), "{name}");
        assert_eq!(body.len(), products.len() + 1, "{name}: only the counter besides");
        let count = |mnemonic: Mnemonic| code.iter().filter(|i| i.mnemonic() == mnemonic).count();
        assert_eq!(count(product), 12, "{name}");
        assert_eq!(count(Mnemonic::Ldtilecfg), 1, "{name}");
        assert_eq!(count(Mnemonic::Tileloadd), 8, "{name}");
        assert_eq!(count(Mnemonic::Tilestored), 4, "{name}");
        assert_eq!(count(Mnemonic::Tilerelease), 1, "{name}");
        for (tile, load) in code.iter().filter(|i| i.mnemonic() == Mnemonic::Tileloadd).enumerate() {
            assert_eq!(load.op0_register(), TMM0 + u32::try_from(tile).unwrap(), "{name}");
            assert_eq!(load.memory_displacement64(), 1024 * tile as u64, "{name}");
            assert_eq!(load.memory_index_scale(), 1, "{name}: the stride is the index");
        }
    };
    check("bf16", Mnemonic::Tdpbf16ps);
    check("int8", Mnemonic::Tdpbssd);
}
