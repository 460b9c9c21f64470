//! The compiled code is what counts: the bandwidth kernels and the pointer chase of the built binary, disassembled.
//!
//! The compile baseline is x86-64-v3, so that the compiler could turn "scalar" loops into vector code, copies into calls
//! of memcpy, or drop what it thinks useless.

use std::collections::BTreeMap;
use std::fs;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use object::{Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationTarget};

/// A function of the binary.
struct Function {
    /// Its path without the hash: `stream::kernel::avx2::temporal::copy`.
    path: String,
    instructions: Vec<Instruction>,
}

/// The functions whose path begins so, and the names of all symbols by address; that of a slot in the table of
/// addresses (GOT) is the name of what its address is of.
fn functions(prefix: &str) -> (Vec<Function>, BTreeMap<u64, String>) {
    let bytes = fs::read(env!("CARGO_BIN_EXE_hostproof")).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let mut names = BTreeMap::new();
    let mut found = BTreeMap::new();
    for symbol in file.symbols() {
        let Ok(name) = symbol.name() else { continue };
        let path = format!("{:#}", rustc_demangle::demangle(name));
        if path.starts_with(prefix) && symbol.size() > 0 {
            let section = file.section_by_index(symbol.section_index().unwrap()).unwrap();
            let code = section.data_range(symbol.address(), symbol.size()).unwrap().unwrap();
            let decoder = Decoder::with_ip(64, code, symbol.address(), DecoderOptions::NONE);
            let function = Function { path: path.clone(), instructions: decoder.into_iter().collect() };
            found.insert(symbol.address(), function);
        }
        names.insert(symbol.address(), path);
    }
    for (slot, relocation) in file.dynamic_relocations().into_iter().flatten() {
        let imported = match relocation.target() {
            RelocationTarget::Symbol(index) => {
                let table = file.dynamic_symbol_table();
                table.and_then(|table| table.symbol_by_index(index).ok()?.name().ok().map(str::to_owned))
            }
            _ => names.get(&relocation.addend().cast_unsigned()).cloned(),
        };
        names.extend(imported.map(|name| (slot, name)));
    }
    (found.into_values().collect(), names)
}

impl Function {
    fn count(&self, fits: impl Fn(&Instruction) -> bool) -> usize {
        self.instructions.iter().filter(|instruction| fits(instruction)).count()
    }

    fn has(&self, mnemonic: Mnemonic) -> bool {
        self.count(|instruction| instruction.mnemonic() == mnemonic) > 0
    }

    /// How many instructions name a register of this kind.
    fn uses(&self, kind: fn(Register) -> bool) -> usize {
        self.count(|i| (0..i.op_count()).any(|op| i.op_kind(op) == OpKind::Register && kind(i.op_register(op))))
    }

    /// How many instructions load from or store to memory a register of this kind.
    fn moves(&self, kind: fn(Register) -> bool, store: bool) -> usize {
        self.count(|i| {
            let (memory, register) = if store { (0, 1) } else { (1, 0) };
            let stack = i.memory_base() == Register::RSP;
            i.op_count() == 2
                && i.op_kind(memory) == OpKind::Memory
                && i.op_kind(register) == OpKind::Register
                && kind(i.op_register(register))
                && !stack
        })
    }

    /// Calls of anything but what reports a broken invariant.
    fn foreign_calls(&self, names: &BTreeMap<u64, String>) -> Vec<String> {
        let name = |address: u64| names.get(&address).cloned().unwrap_or_else(|| format!("{address:#x}"));
        let calls = self.instructions.iter().filter_map(|i| match i.flow_control() {
            FlowControl::Call => Some(name(i.near_branch_target())),
            FlowControl::IndirectCall | FlowControl::IndirectBranch => Some(name(i.memory_displacement64())),
            _ => None,
        });
        calls.filter(|name| !name.contains("panic") && !name.contains("fail")).collect()
    }
}

/// Instructions that work on several doubles at once.
fn is_packed(mnemonic: Mnemonic) -> bool {
    let name = format!("{mnemonic:?}");
    let register_move = matches!(mnemonic, Mnemonic::Vmovapd | Mnemonic::Vmovaps | Mnemonic::Vxorps | Mnemonic::Vxorpd);
    !register_move && (name.ends_with("pd") || name.ends_with("ps"))
}

const FMA: [Mnemonic; 3] = [Mnemonic::Vfmadd132pd, Mnemonic::Vfmadd213pd, Mnemonic::Vfmadd231pd];

/// What must be in a kernel of a vector instruction set, and what must not.
fn check_vector(function: &Function, kind: fn(Register) -> bool, kernel: &str, nontemporal: bool) {
    let path = &function.path;
    if kernel == "read" {
        // The additions take their operand from memory, or a load goes before.
        assert!(function.count(|i| i.mnemonic() == Mnemonic::Vaddpd) >= 8, "{path} has 8 accumulators");
        assert_eq!(function.moves(kind, true), 0, "{path} only reads");
        return;
    }
    let streamed = function.count(|i| i.mnemonic() == Mnemonic::Vmovntpd && kind(i.op_register(1)));
    let stored = function.moves(kind, true) - streamed;
    if nontemporal {
        assert!(streamed > 0 && stored == 0, "{path}: {streamed} non-temporal and {stored} ordinary stores");
        assert!(function.has(Mnemonic::Sfence), "{path} ends its stores with sfence");
    } else {
        assert!(stored > 0 && streamed == 0, "{path}: {stored} ordinary and {streamed} non-temporal stores");
    }
    match kernel {
        "scale" => assert!(function.has(Mnemonic::Vmulpd), "{path} multiplies"),
        "add_up" => assert!(function.has(Mnemonic::Vaddpd), "{path} adds"),
        "triad" => assert!(FMA.iter().any(|&fma| function.has(fma)), "{path} uses FMA"),
        _ => {}
    }
}

/// The same of a scalar kernel.
fn check_scalar(function: &Function, kernel: &str, nontemporal: bool) {
    let path = &function.path;
    assert_eq!(function.uses(|r| r.is_ymm() || r.is_zmm()), 0, "{path} has wide registers");
    let packed: Vec<_> = function.instructions.iter().filter(|i| is_packed(i.mnemonic())).collect();
    assert!(packed.is_empty(), "{path} has packed operations: {:?}", packed[0].mnemonic());
    let stores = if nontemporal { Mnemonic::Movnti } else { Mnemonic::Vmovsd };
    assert_eq!(nontemporal, function.has(Mnemonic::Movnti), "{path}");
    assert_eq!(nontemporal, function.has(Mnemonic::Sfence), "{path}");
    match kernel {
        "read" | "add_up" => assert!(function.has(Mnemonic::Vaddsd), "{path} adds"),
        "scale" => assert!(function.has(Mnemonic::Vmulsd), "{path} multiplies"),
        "triad" => assert!(function.has(Mnemonic::Vfmadd231sd), "{path} uses FMA"),
        _ => assert!(function.has(stores), "{path} stores"),
    }
}

#[test]
fn kernels_are_made_of_the_instructions_that_they_are_named_for() {
    let (functions, names) = functions("stream::kernel::");
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for function in &functions {
        let parts: Vec<&str> = function.path.split("::").skip(2).collect();
        let (isa, store, kernel) = match parts[..] {
            [isa, "read"] => (isa, "none", "read"),
            [isa, store @ ("temporal" | "nontemporal"), kernel] => (isa, store, kernel),
            _ => continue,
        };
        let nontemporal = store == "nontemporal";
        match isa {
            "scalar" => check_scalar(function, kernel, nontemporal),
            "avx2" => {
                assert_eq!(function.uses(Register::is_zmm), 0, "{} has zmm registers", function.path);
                check_vector(function, Register::is_ymm, kernel, nontemporal);
            }
            "avx512" => check_vector(function, Register::is_zmm, kernel, nontemporal),
            _ => continue,
        }
        let calls = function.foreign_calls(&names);
        assert!(calls.is_empty(), "{} calls {calls:?}", function.path);
        *seen.entry(function.path.clone()).or_default() += 1;
    }
    for isa in ["scalar", "avx2", "avx512"] {
        let mut expected = vec![format!("{isa}::read")];
        for kernel in ["write", "copy", "scale", "add_up", "triad"] {
            expected.extend(["temporal", "nontemporal"].map(|store| format!("{isa}::{store}::{kernel}")));
        }
        for kernel in expected {
            // one function for each tuning
            let tunings = if isa == "scalar" {
                1
            } else if kernel.ends_with("write") {
                3
            } else {
                4
            };
            assert_eq!(seen.get(&format!("stream::kernel::{kernel}")), Some(&tunings), "{kernel}");
        }
    }
}

#[test]
fn the_chase_is_200_loads_each_of_which_waits_for_the_one_before() {
    let (functions, _) = functions("stream::kernel::chase::single");
    let [single] = &functions[..] else { panic!("{} functions", functions.len()) };
    let follows = |i: &Instruction| {
        i.mnemonic() == Mnemonic::Mov
            && i.op_kind(1) == OpKind::Memory
            && i.memory_base() == i.op0_register()
            && i.memory_index() == Register::None
            && i.memory_displacement64() == 0
    };
    let longest = single.instructions.split(|i| !follows(i)).map(<[Instruction]>::len).max();
    // The first and the last of a turn stand beside the counting of turns.
    assert!(longest >= Some(190), "{longest:?} loads in a row");
}
