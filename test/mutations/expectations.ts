/** What must become of each mutation, row by row; `expectation.ts` says what the classes are. */
import { type Expectation, row } from './expectation.ts';
import { orderExpectations } from './order-expectations.ts';

const DIRECTIVES = /^(deploy|rollback|report|enable|kill|ruling|run live) directive$/;
const BESIDE = /^(other \d (in front|behind)|twice)$/;
const LISTS =
  'RecordReport\\.(documents|sinks)|ContentParcel\\.slices|ChunkList\\.lengths|Enable\\.(evidencePath|logConsistency)|Ruling\\.logConsistency';
const SAFE_NUMBER = /^(0|one more|two more|one less|2\^31|2\^32 more|2\^53 - 1|spelt longer than needed)$/;
const NO_MESSAGE = /^(a group that never ends|a wire type that does not exist|a length beyond the end|field number 0)$/;
const LONGER_THAN_A_DIGEST = /(behind|in front|longer by one|very long|spelt too long in UTF-8)$/;

/** A peer of ours sends a single field once; readers differ in which of two they take. */
const repeats: readonly Expectation[] = [
  row([new RegExp(`^(?!${LISTS})\\w+\\.\\w+$`), 'must-refuse', 'it stands once'], { mutation: BESIDE }),
];

const notWhole: readonly Expectation[] = [
  row([/\.\*$/, 'must-refuse', 'that is no message'], { mutation: NO_MESSAGE }),
];

const whole: readonly Expectation[] = [
  row([
    /^(Directive|Deploy|Rollback|RecordReport|ReportDocument|ReportSink)\.\*$/,
    'must-refuse',
    'an order is understood to its last field',
  ]),
  row([/\.\*$/, 'harmless', 'a field that this agent does not know has no effect']),
];

const control: readonly Expectation[] = [
  row(['ControlToAgent.seq', 'harmless', 'the same number'], { mutation: /^spelt longer/ }),
  row(['ControlToAgent.seq', 'must-refuse', 'directives come in their order'], { carrier: DIRECTIVES }),
  row(['ControlToAgent.seq', 'must-refuse', 'below zero, it is beyond the safe integers'], { mutation: /^one less$/ }),
  row(['ControlToAgent.seq', 'harmless', 'it numbers directives alone'], { mutation: SAFE_NUMBER }),
  row(['ControlToAgent.seq', 'must-refuse', 'it is no safe integer']),
  row(['ControlToAgent.ack', 'harmless', 'it was sent'], { mutation: /^(0|one more|two more|spelt longer.*)$/ }),
  row(['ControlToAgent.ack', 'must-refuse', 'no report has that number']),
  row(['ControlToAgent.welcome', 'harmless', 'it says nothing that counts'], {
    carrier: /^welcome$/,
    mutation: /^(other|empty$)/,
  }),
  row(['ControlToAgent.welcome', 'must-refuse', 'a session has one Welcome, and it comes first']),
  row(['ControlToAgent.trustHint', 'harmless', 'a hint carries nothing'], {
    carrier: /^(trust hint|bare acknowledgement)$/,
    mutation: /^(absent$|other)/,
  }),
  row(['ControlToAgent.trustHint', 'must-refuse', 'it is no hint, or two messages at once']),
  row(['ControlToAgent.directive', 'may-delay', 'another order'], {
    carrier: DIRECTIVES,
    mutation: /^other/,
  }),
  row(['ControlToAgent.directive', 'must-refuse', 'it is no directive, or has no number, or two messages are one']),
  row(['Welcome.lastDirectiveSeq', 'harmless', 'it says how many are coming'], { mutation: SAFE_NUMBER }),
  row(['Welcome.lastDirectiveSeq', 'harmless', 'it says how many are coming'], { mutation: /^absent$/ }),
  row(['Welcome.lastDirectiveSeq', 'must-refuse', 'it is no safe integer']),
];

const directives: readonly Expectation[] = [
  row(['Directive.deploy', 'may-delay', 'another order'], { carrier: /^deploy/, mutation: /^other/ }),
  row(['Directive.recordReport', 'may-delay', 'another order'], { carrier: /^report/, mutation: /^other/ }),
  row([/^Directive\.(deploy|rollback|recordReport)$/, 'must-refuse', 'it is of no kind, or of two']),
  row(['Deploy.runId', 'harmless', 'a run has whatever id is free'], { mutation: /^other [12] alone$/ }),
  row(['Deploy.runId', 'must-refuse', 'ids are of one form']),
  row(['Deploy.targetPath', 'must-refuse', 'the statement is not of that path']),
  row(['Deploy.statementSha256', 'must-refuse', 'the statement has another digest']),
  row([/^(Rollback|RecordReport)\.runId$/, 'must-refuse', 'there is no such run']),
];

/** A receipt is the control plane's own word: recorded as such, and judged by what it says. */
const receipts: readonly Expectation[] = [
  row([/^RecordReport\.(documents|sinks)$/, 'may-delay', 'where one ends is not certain'], { mutation: /^cut off$/ }),
  row([/^RecordReport\.(documents|sinks)$/, 'must-refuse', 'it is no receipt that a ledger can hold'], {
    mutation: /^(as a|a thousand times$|an empty one more$|empty$|noise$)/,
  }),
  row([/^RecordReport\.(documents|sinks)$/, 'harmless', 'recorded as said']),
  row([/^Report(Document|Sink)\.\w+$/, 'may-delay', 'what a number is as a text is not certain'], {
    mutation: /^as a (number|text)/,
  }),
  row([/^Report(Document|Sink)\.\w+$/, 'must-refuse', 'it is no text'], { mutation: /UTF-8|surrogate/ }),
  row(['ReportDocument.name', 'harmless', 'recorded as said'], { mutation: /^other [12] alone$/ }),
  row(['ReportDocument.name', 'must-refuse', 'no report has such a document']),
  row(['ReportSink.kind', 'must-refuse', 'empty, or too long'], { mutation: /^(absent|empty|very long)$/ }),
  row(['ReportDocument.sha256', 'harmless', 'recorded as said'], { mutation: /^other/ }),
  row(['ReportDocument.sha256', 'must-refuse', 'longer than any digest'], { mutation: LONGER_THAN_A_DIGEST }),
  row(['ReportSink.location', 'must-refuse', 'too long'], { mutation: /^very long$/ }),
  row([/^Report(Document|Sink)\.\w+$/, 'harmless', 'recorded as said']),
];

const content: readonly Expectation[] = [
  row(['MetadataPiece.data', 'must-refuse', 'it is not what was signed']),
  row(['MetadataPiece stream', 'harmless', 'a piece may be empty'], { mutation: /^an empty piece between$/ }),
  row(['MetadataPiece stream', 'harmless', 'white space behind a document is not signed'], {
    carrier: /(root|timestamp)$/,
    mutation: /^a line end in a piece behind$/,
  }),
  row(['MetadataPiece stream', 'harmless', 'a root that is withheld is not there; the old one goes on'], {
    carrier: /root$/,
    mutation: /^breaks off as if/,
  }),
  row(['MetadataPiece stream', 'must-refuse', 'it is not what was signed']),
  row(['ParcelSlice.want', 'harmless', 'the same number'], { mutation: /^spelt longer than needed$/ }),
  row(['ParcelSlice.want', 'harmless', 'the same number'], {
    mutation: /^(0|absent)$/,
    carrier: /(manifest|plan|build record)$/,
  }),
  row(['ParcelSlice.want', 'must-refuse', 'parcels follow the wants without a gap']),
  row(['ParcelSlice.length', 'harmless', 'the same number'], { mutation: /^spelt longer than needed$/ }),
  row(['ParcelSlice.length', 'must-refuse', 'not what is due, or not what the parcel holds']),
  row(['ContentParcel.slices', 'must-refuse', 'parcels follow the wants without a gap']),
  row([/^ContentParcel\.\w+$/, 'must-refuse', 'it has another digest, or cannot be unpacked']),
  row(['ContentParcel stream', 'must-refuse', 'it is not what was asked for']),
];

const SOUND_CERTIFICATE =
  /^(NUL|a space|a line end) behind$|^labelled|^behind a (private key|line|block)|^in front of a|^with line ends of DOS$/;

const certificates: readonly Expectation[] = [
  row([/^\w+Response\.certificate$/, 'harmless', 'what stands beside the certificate is not kept'], {
    mutation: SOUND_CERTIFICATE,
  }),
  row([/^\w+Response\.certificate$/, 'must-refuse', 'it is not the certificate that was asked for']),
];

const DOCUMENTS =
  /^(root|timestamp|snapshot|targets|release-cutter|release role|statement|policy|manifest|plan|build record): /;

const documents: readonly Expectation[] = [
  row([/^root: signatures$/, 'harmless', 'signatures have no order'], {
    carrier: /^member$/,
    mutation: /^in reverse$/,
  }),
  row([/^(root|timestamp): /, 'may-delay', 'white space between members is not signed'], {
    carrier: /^member$/,
    mutation: /^spelt in a second way$/,
  }),
  row([/^timestamp: signed\.(version|expires|spec_version)$/, 'may-delay', 'the timestamp key is the owner\u2019s'], {
    carrier: /^genuine timestamp$/,
  }),
  row([DOCUMENTS, 'must-refuse', 'nobody signed that']),
];

const sequences: readonly Expectation[] = [
  row(['directive order', 'harmless', 'what was done is not done again'], {
    mutation:
      /^(the same (directive|run) |the same release in another run$|a rollback twice$|a rollback, then|a report twice$)/,
  }),
  row(['directive order', 'must-refuse', 'directives come in their order, and each run once']),
  row(['session order', 'harmless', 'they say nothing'], { mutation: /^a thousand/ }),
  row(['session order', 'must-refuse', 'a session has one Welcome, and it comes first']),
  row(['acknowledgement order', 'must-refuse', 'no report has that number'], { mutation: /far ahead/ }),
  row(['acknowledgement order', 'harmless', 'it was sent']),
];

export const EXPECTATIONS: readonly Expectation[] = [
  ...repeats,
  ...notWhole,
  ...orderExpectations,
  ...whole,
  ...control,
  ...directives,
  ...receipts,
  ...content,
  ...certificates,
  ...documents,
  ...sequences,
];

export function expectationOf(
  of: { field: string; carrier: string; mutation: string },
  rows: readonly Expectation[] = EXPECTATIONS,
): Expectation | undefined {
  return rows.find(
    ({ field, carrier, mutation }) =>
      (typeof field === 'string' ? field === of.field : field.test(of.field)) &&
      (carrier?.test(of.carrier) ?? true) &&
      (mutation?.test(of.mutation) ?? true),
  );
}
