/**
 * The system call filter of a sandbox: a classic BPF program for `bwrap --seccomp`.
 *
 * It is no allow list of what a payload may do; payloads are arbitrary programs. It takes away what no payload needs
 * and what has opened most holes from an unprivileged user to the kernel: new namespaces (in a new user namespace a
 * process has all capabilities again), mounts, the keyring (shared by all of one user id, so by a later run), BPF,
 * perf, userfaultfd, io_uring and families of sockets that no network namespace holds back (vsock reaches the hypervisor).
 * It works where `--disable-userns` cannot: under a root agent there is no user namespace.
 *
 * `clone3` and io_uring answer ENOSYS, on which libc and libuv fall back to what can be filtered (a filter cannot
 * look behind the pointer that `clone3` takes its flags from). The rest answers EPERM. Another architecture's calls
 * on the same kernel (i386, x32) answer ENOSYS, as their numbers would mean other calls.
 */

interface Machine {
  /** `AUDIT_ARCH_…` of linux/audit.h. */
  readonly auditArch: number;
  /** Numbers from here on belong to x32. */
  readonly foreignFrom: number | undefined;
  readonly clone: number;
  readonly socket: number;
  /** Old numbers differ by machine; those of `SHARED_…` below are the same everywhere. */
  readonly forbidden: readonly number[];
}

const MACHINES: Readonly<Partial<Record<NodeJS.Architecture, Machine>>> = {
  x64: {
    auditArch: 0xc000003e,
    foreignFrom: 0x40000000,
    clone: 56,
    socket: 41,
    // unshare setns mount umount2 pivot_root chroot add_key request_key keyctl perf_event_open bpf userfaultfd
    // open_by_handle_at kexec_load init_module finit_module process_vm_readv process_vm_writev
    forbidden: [272, 308, 165, 166, 155, 161, 248, 249, 250, 298, 321, 323, 304, 246, 175, 313, 310, 311],
  },
  arm64: {
    auditArch: 0xc00000b7,
    foreignFrom: undefined,
    clone: 220,
    socket: 198,
    forbidden: [97, 268, 40, 39, 41, 51, 217, 218, 219, 241, 280, 282, 265, 104, 105, 273, 270, 271],
  },
};

/** open_tree move_mount fsopen fsconfig fsmount fspick pidfd_getfd mount_setattr */
const SHARED_FORBIDDEN = [428, 429, 430, 431, 432, 433, 438, 442];
/** io_uring_setup io_uring_enter io_uring_register clone3 */
const SHARED_ABSENT = [425, 426, 427, 435];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NEW_NAMESPACE_FLAGS = 0x7e020000;

/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: each is confined by the namespaces of the sandbox. */
const SOCKET_FAMILIES = [1, 2, 10, 16];

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const RETURN_ALLOW = 0x7fff0000;
const RETURN_ERRNO = 0x00050000;

/** Offsets in `struct seccomp_data`; the flags of `clone` and the family of `socket` are in the low half of the first argument. */
const OFFSET = { number: 0, arch: 4, firstArgument: 16 };
const CODE = { load: 0x20, jumpEqual: 0x15, jumpAtLeast: 0x35, jumpAnyBit: 0x45, return: 0x06 };

interface Instruction {
  readonly code: number;
  readonly ifTrue?: number;
  readonly ifFalse?: number;
  readonly value: number;
}

/** The filter as bytes, or undefined for an architecture whose call numbers are not in the table. */
export function syscallFilter(architecture: NodeJS.Architecture): Buffer | undefined {
  const machine = MACHINES[architecture];
  return machine === undefined ? undefined : assemble(programFor(machine));
}

function programFor(machine: Machine): Instruction[] {
  return [
    { code: CODE.load, value: OFFSET.arch },
    { code: CODE.jumpEqual, value: machine.auditArch, ifTrue: 1 },
    returnErrno(ENOSYS),
    { code: CODE.load, value: OFFSET.number },
    ...(machine.foreignFrom === undefined ? [] : unless(CODE.jumpAtLeast, machine.foreignFrom, ENOSYS)),
    ...[...machine.forbidden, ...SHARED_FORBIDDEN].flatMap((number) => unless(CODE.jumpEqual, number, EPERM)),
    ...SHARED_ABSENT.flatMap((number) => unless(CODE.jumpEqual, number, ENOSYS)),
    ...ofKnownFamily(machine.socket),
    { code: CODE.jumpEqual, value: machine.clone, ifTrue: 1 },
    { code: CODE.return, value: RETURN_ALLOW },
    { code: CODE.load, value: OFFSET.firstArgument },
    ...unless(CODE.jumpAnyBit, NEW_NAMESPACE_FLAGS, EPERM),
    { code: CODE.return, value: RETURN_ALLOW },
  ];
}

/** Decides the call `socket`; any other goes on behind. */
function ofKnownFamily(socket: number): Instruction[] {
  const decision = [
    { code: CODE.load, value: OFFSET.firstArgument },
    ...SOCKET_FAMILIES.flatMap((family) => [
      { code: CODE.jumpEqual, value: family, ifFalse: 1 },
      { code: CODE.return, value: RETURN_ALLOW },
    ]),
    returnErrno(EAFNOSUPPORT),
  ];
  return [{ code: CODE.jumpEqual, value: socket, ifFalse: decision.length }, ...decision];
}

/** Returns `errno` if the test holds, else goes on behind. */
function unless(code: number, value: number, errno: number): Instruction[] {
  return [{ code, value, ifFalse: 1 }, returnErrno(errno)];
}

function returnErrno(errno: number): Instruction {
  return { code: CODE.return, value: RETURN_ERRNO | errno };
}

/** `struct sock_filter`, little-endian as both machines are. */
function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, ifTrue = 0, ifFalse = 0, value }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}
