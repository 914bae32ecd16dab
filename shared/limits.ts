/** Every bound on what comes from outside, with its reason. Checked before memory is taken. */
export const LIMITS = {
  /** One gRPC message; a blob chunk and a metadata file must fit. grpc-js's own default. */
  rpcMessageBytes: 4 * 1024 * 1024,
  /** One piece of a blob on the wire: big enough to be cheap, small enough to leave room for kills between pieces. */
  blobChunkBytes: 256 * 1024,
  /** Blobs wanted by one call: about 1 MiB of digests; a release with more files is asked for in several calls. */
  blobsPerRequestCount: 10_000,
  /** Levels of JSON: a plan has ten; readers recurse, and at some thousands they run out of stack. */
  jsonDepth: 64,
  /** One signed envelope. A ruling or an order is a few kilobytes. */
  envelopeBytes: 256 * 1024,
  /** Signatures on one envelope or metadata file; more is an attempt to burn CPU. */
  signatureCount: 64,
  /** One TUF metadata file; parsing is quadratic, 300 targets take about 100 KiB. */
  trustMetadataBytes: 1024 * 1024,
  /** Live targets in one delegated role (measured: 300 parse in 19 ms, 1,000 in 140 ms). */
  targetsPerRoleCount: 300,
  /** One target read through the trust client: a policy or a release statement, never a release's content. */
  trustTargetBytes: 4 * 1024 * 1024,
  /** Root versions walked in one refresh; the same bound as tuf-js. */
  rootRotationCount: 256,
  /** `policy.json`: a few hundred approvers and rules. */
  policyBytes: 256 * 1024,
  /** Approver keys in one policy; each signature of an envelope may have to be tried with each of them. */
  approverCount: 256,
  /** Files in one release. */
  manifestFileCount: 100_000,
  /** A manifest of 100,000 files with long names. */
  manifestBytes: 64 * 1024 * 1024,
  /** PATH_MAX less room for the install root; one name is at most NAME_MAX. */
  pathBytes: 1024,
  pathSegmentBytes: 255,
  pathDepth: 64,
  /** Folders that a manifest's paths imply; each is a node in memory and a folder with its own fsync. */
  manifestFolderCount: 100_000,
  /** Links that one link may pass to its end; a library's version links need two, the kernel stops at 40. */
  symlinkChainCount: 8,
  /** Entries of a tree that is hashed on a host, a neighbour's too: all of them are in memory to be sorted. */
  treeEntryCount: 1_000_000,
  /** Blobs asked for at once: a request of that many digests is well below one message. */
  blobWantsCount: 4096,
  /** One file of a release. */
  fileBytes: 16 * 1024 * 1024 * 1024,
  /** A whole release. */
  releaseBytes: 64 * 1024 * 1024 * 1024,
  /** A plan with a few hundred checks. */
  planBytes: 1024 * 1024,
  checksPerPlanCount: 500,
  /** Evidence of G0 to G2: a handful of checks. */
  buildRecordBytes: 4 * 1024 * 1024,
  argvCount: 256,
  argumentBytes: 64 * 1024,
  /** What a check's output leaves in evidence after redaction. */
  evidenceOutputBytes: 16 * 1024,
  /** What is read from a check's pipes before it is cut; the check goes on, its output is thrown away. */
  capturedOutputBytes: 1024 * 1024,
  /** One secret: a DSN, a token, a key file. */
  secretBytes: 64 * 1024,
  /** One ledger entry. */
  ledgerEntryBytes: 128 * 1024,
  ledgerEntryCount: 10_000,
  /** The documents of one run in all their forms: each a few times the ledger that it is made from. */
  reportBytes: 256 * 1024 * 1024,
  /** A `keyturn.yaml` with some hundred checks; its parser is quadratic in keys (128 KiB of them take two seconds). */
  keyturnYamlBytes: 128 * 1024,
  /** Aliases that a `keyturn.yaml` may expand to; far below what makes a few lines fill the memory. */
  keyturnYamlAliasCount: 100,
  /** The index of a `.ktr` bundle: 90 bytes for each of `manifestFileCount` blobs, doubled. */
  ktrIndexBytes: 20 * 1024 * 1024,
  /** A text file that is searched for secrets; the rules are regular expressions, written for source files. */
  searchedFileBytes: 8 * 1024 * 1024,
  /** The file that declares a version: it is a source file. */
  declaredVersionFileBytes: 1024 * 1024,
  /** What one git command may print (a listing of `manifestFileCount` paths). */
  gitOutputBytes: 256 * 1024 * 1024,
} as const;
