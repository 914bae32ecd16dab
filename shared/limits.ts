/** Every bound on what comes from outside, with its reason. Checked before memory is taken. */
export const LIMITS = {
  /** One gRPC message; a blob chunk and a metadata file must fit. grpc-js's own default. */
  rpcMessageBytes: 4 * 1024 * 1024,
  /** A stream that brings no byte for so long is ended, and asked for again: longer than any disk takes to give one. */
  streamIdleMs: 30_000,
  /** What a stranger may say at the door where hosts join: a name, a token, two keys and a signature are 2 KiB. */
  enrolRequestBytes: 16 * 1024,
  /** One piece of a blob on the wire: big enough to be cheap, small enough to leave room for kills between pieces. */
  blobChunkBytes: 256 * 1024,
  /** Blobs named by one call: about 1 MiB of digests; a release with more files is asked for in several calls. */
  blobsPerRequestCount: 10_000,
  /** All uploads that have begun and not ended, interrupted ones too: the archives of two releases of the largest size. */
  incomingBytes: 128 * 1024 * 1024 * 1024,
  /** So many such uploads; a push that breaks off leaves one. */
  incomingCount: 1_000,
  /** Reports of one host that were refused for good and are kept aside; a host with more is out of order. */
  refusedReportCount: 1_000,
  /** All of them together: a ledger entry with its head is at most 384 KiB. */
  refusedReportBytes: 64 * 1024 * 1024,
  /** A program's version, as a host tells it. */
  versionLength: 64,
  /** A refusal code, as a host tells it. */
  codeLength: 128,
  /** Levels of JSON: a plan has ten; readers recurse, and at some thousands they run out of stack. */
  jsonDepth: 64,
  /** One signed envelope. A ruling or an order is a few kilobytes. */
  envelopeBytes: 256 * 1024,
  /** One message of an `ssh-agent`; OpenSSH's own bound. */
  sshAgentMessageBytes: 256 * 1024,
  /** What is remembered of one approval: 200 bytes for each of `orderHostCount` hosts, and room. */
  approvalRecordBytes: 32 * 1024 * 1024,
  /** Applications and keys whose last approval one machine remembers. */
  approvalRecordCount: 256,
  /** Directives that were followed and are kept, so that one that comes again is known: 64 MiB at the most. */
  handledDirectiveCount: 256,
  /** Runs with nothing on their host any more whose ledger and manifest it keeps: to look at after a bad week. */
  endedRunCount: 32,
  /** Hosts that one order can cover; each takes 65 bytes of hashing to assemble, and a path of 17 hashes to carry. */
  orderHostCount: 100_000,
  /** Entrypoints that one order can name. */
  orderEntrypointCount: 64,
  /** Signatures on one envelope or metadata file; more is an attempt to burn CPU. */
  signatureCount: 64,
  /** One TUF metadata file; parsing is quadratic, 300 targets take about 100 KiB. */
  trustMetadataBytes: 1024 * 1024,
  /** Live targets in one delegated role (measured: 300 parse in 19 ms, 1,000 in 140 ms). */
  targetsPerRoleCount: 300,
  /** One target read through the trust client: a policy or a release statement, never a release's content. */
  trustTargetBytes: 4 * 1024 * 1024,
  /** Small targets that a host keeps beside its policy, so as not to fetch them again: 128 MiB at the most. */
  verifiedTargetCount: 32,
  /** One signed note: a checkpoint with its cosignatures takes 4 KiB, a proof in front of it 3 KiB. */
  noteBytes: 64 * 1024,
  /** Root versions walked in one refresh; the same bound as tuf-js. */
  rootRotationCount: 256,
  /** How far a host's clock may be behind the control plane's when the life of a timestamp is judged; NTP keeps seconds. */
  clockDifferenceMs: 60_000,
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
  /** Raw bytes in one parcel of content: below a gRPC message, and what a kill between two of them waits for. */
  parcelBytes: 1024 * 1024,
  /** Raw bytes that are compressed against a dictionary at once; zstd finds far matches badly in more. */
  deltaBytes: 256 * 1024,
  /** Old bytes taken on each side of a stretch, for what insertions have moved. */
  deltaMarginBytes: 64 * 1024,
  /** New bytes in a row between two chunks that both sides have; more is another content, not a change. */
  deltaRunBytes: 1024 * 1024,
  /** Old bytes in the dictionary of one parcel. */
  dictionaryBytes: 1024 * 1024,
  /** A file of this size and more is compared by chunks; a smaller one whole against its old copy. */
  chunkedFileBytes: 1024 * 1024,
  /** Chunk lists kept in memory: 300 KiB for a file of half a gigabyte. */
  chunkListCount: 64,
  /** One file of a release. */
  fileBytes: 16 * 1024 * 1024 * 1024,
  /** A whole release. */
  releaseBytes: 64 * 1024 * 1024 * 1024,
  /** A plan with a few hundred checks. */
  planBytes: 1024 * 1024,
  checksPerPlanCount: 500,
  /** More processors than that are no reason to run more checks of one gate at a time: each may take a gigabyte. */
  parallelCheckCount: 64,
  /** Evidence of G0 to G2: a handful of checks. */
  buildRecordBytes: 4 * 1024 * 1024,
  argvCount: 256,
  argumentBytes: 64 * 1024,
  /** What a check's output leaves in evidence after redaction. */
  evidenceOutputBytes: 16 * 1024,
  /** What is read from a check's pipes before it is cut; the check goes on, its output is thrown away. */
  capturedOutputBytes: 1024 * 1024,
  /** What is kept of a project's own tests on the build machine: mocha's JSON has 600 bytes for each of 50,000 tests. */
  testReportBytes: 32 * 1024 * 1024,
  /** One secret: a DSN, a token, a key file. */
  secretBytes: 64 * 1024,
  /** A decision to be signed, with the evidence of some hosts: goes to the control plane in one message. */
  decisionBytes: 3 * 1024 * 1024,
  /** Hosts whose whole ledgers a decision carries along; a reader fetches those of others. */
  decisionBundleCount: 64,
  /** Decisions that wait to be signed or were sent; older ones are forgotten first. */
  decisionCount: 1_000,
  /** Rounds of one kill drill; each is three entries in the log for good. */
  drillRoundCount: 1_000,
  /** Reasons that a refusal lists; the rest is where they come from. */
  shownReasonCount: 16,
  /** One answer of a database: a count, or the rows of a digest that are in memory at a time. */
  sqlAnswerBytes: 64 * 1024 * 1024,
  /** Rows of a digest that are asked for at a time: one may have a megabyte. */
  sqlFetchRowCount: 64,
  /** Memory set aside for a process that reads a SQLite file: over half of it is what Node reserves, and never uses. */
  sqliteMemoryBytes: 1024 * 1024 * 1024,
  /** One ledger entry. */
  ledgerEntryBytes: 128 * 1024,
  ledgerEntryCount: 10_000,
  /** The documents of one run in all their forms: each a few times the ledger that it is made from. */
  reportBytes: 256 * 1024 * 1024,
  /** An evidence bundle, or an export of the log: a manifest of the largest size and a ledger of a few thousand entries, in base64. */
  evidenceBytes: 256 * 1024 * 1024,
  /** An order to carry along, with the trust metadata that vouches for its policy: a few hundred kilobytes, more after many rotations. */
  carriedOrderBytes: 16 * 1024 * 1024,
  /** Records of the log that concern one run: a verdict, and some hundred orders with their answers. */
  evidenceRecordCount: 10_000,
  /** Policies that were in force between a run and the day on which its evidence is taken. */
  earlierPolicyCount: 64,
  /** Records in one export of the log; each has a hash of its own, in memory at once. */
  logExportCount: 1_000_000,
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
