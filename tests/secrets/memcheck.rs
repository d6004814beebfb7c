//! Valgrind's client requests: what tells memcheck which bytes are secret. Outside of Valgrind they
//! do nothing.
//!
//! By hand, since a crate for it wants clang and Valgrind's headers for these few instructions,
//! which are an interface that never changes.

const RUNNING_ON_VALGRIND: usize = 0x1001;
// Memcheck's own begin with its letters.
const MAKE_MEM_UNDEFINED: usize = (0x4d43 << 16) + 1;
const MAKE_MEM_DEFINED: usize = (0x4d43 << 16) + 2;
const GET_VBITS: usize = (0x4d43 << 16) + 8;

/// Asks Valgrind; 0 without it.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the one instruction sequence that Valgrind listens to")]
fn ask(request: usize, first: usize, second: usize, third: usize) -> usize {
    let arguments = [request, first, second, third, 0, 0];
    let answer;
    // SAFETY: rdi is rotated by 128 bits in all and rbx exchanged with itself, so that nothing
    // changes but flags and rdx; Valgrind reads the arguments, and writes nothing but what
    // `undefined` gives it room for.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") 0_usize => answer,
            options(nostack),
        );
    }
    answer
}

/// Other processors have other sequences. None is written here, and so no test there passes.
#[cfg(not(target_arch = "x86_64"))]
fn ask(_: usize, _: usize, _: usize, _: usize) -> usize {
    0
}

/// Whether Valgrind runs this.
pub(crate) fn is_here() -> bool {
    ask(RUNNING_ON_VALGRIND, 0, 0, 0) != 0
}

/// Marks the bytes as undefined: from now on memcheck reports each branch and each index that
/// depends on them.
pub(crate) fn hide(bytes: &[u8]) {
    ask(MAKE_MEM_UNDEFINED, bytes.as_ptr().addr(), bytes.len(), 0);
}

/// Marks the value as defined: it may be declassified.
pub(crate) fn declassify<T>(value: &T) {
    ask(MAKE_MEM_DEFINED, std::ptr::from_ref(value).addr(), size_of::<T>(), 0);
}

/// Whether any bit of the number depends on what is hidden.
pub(crate) fn is_hidden(number: u64) -> bool {
    // Rust has to believe that it is written to.
    let mut undefined = [0_u8; size_of::<u64>()];
    let to = std::hint::black_box(&mut undefined).as_mut_ptr().expose_provenance();
    ask(GET_VBITS, std::hint::black_box(&number) as *const u64 as usize, to, size_of::<u64>());
    std::hint::black_box(undefined) != [0; size_of::<u64>()]
}
