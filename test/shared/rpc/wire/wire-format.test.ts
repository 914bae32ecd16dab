/**
 * Messages are read and written by our own few tables on protobufjs's reader and writer, so they are held against its
 * reflection: the same bytes out, the same message in. Where we are stricter, the rows below say so.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { RejectedError } from '../../../../shared/errors.ts';
import { decodeMessage } from '../../../../shared/rpc/wire/decode-message.ts';
import { encodeMessage } from '../../../../shared/rpc/wire/encode-message.ts';
import { messageShape } from '../../../../shared/rpc/wire/message-shape.ts';
import { anyMessage, decodeByLibrary, encodeByLibrary, MESSAGE_NAMES } from './message-oracle.ts';

const decode = (name: string, bytes: Uint8Array) => decodeMessage(messageShape(name), bytes);

/** Bytes that nobody who follows the protocol sends. Fields of `AgentToControl` (seq 1, ack 2, hello 3) unless another is named. */
const REFUSED: readonly {
  readonly what: string;
  readonly message?: string;
  readonly hex: string;
  readonly code: string;
}[] = [
  { what: 'a tag without its field', hex: '08', code: 'message-malformed' },
  { what: 'a tag that does not end', hex: 'ffffffffffffffffffff', code: 'message-malformed' },
  { what: 'a field of number 0', hex: '0000', code: 'message-malformed' },
  { what: 'a field number beyond 29 bits', hex: '80808080800101', code: 'message-malformed' },
  { what: 'a number of eleven bytes', hex: '08808080808080808080808001', code: 'message-malformed' },
  { what: 'a number of more than 64 bits', hex: '0880808080808080808002', code: 'message-malformed' },
  { what: 'a message that is longer than what is there', hex: '1a050a', code: 'message-malformed' },
  { what: 'a length beyond every memory', hex: '1affffffffffffffffff01', code: 'message-malformed' },
  { what: 'a group, in a field that is not known', hex: 'fb01', code: 'message-malformed' },
  { what: 'a wire type that there is not', hex: 'ff01', code: 'message-malformed' },
  { what: 'a fixed number that is cut off', hex: 'f90100000000', code: 'message-malformed' },
  { what: 'a number in the form of bytes', hex: '0a0101', code: 'message-malformed' },
  { what: 'a message in the form of a number', hex: '1801', code: 'message-malformed' },
  { what: 'a text that is not UTF-8', hex: '1a030a01ff', code: 'message-malformed' },
  { what: 'a text with half a surrogate', hex: '1a050a03eda080', code: 'message-malformed' },
  { what: 'a single number twice', hex: '08010802', code: 'message-ambiguous' },
  { what: 'a single message twice', hex: '1a001a00', code: 'message-ambiguous' },
  { what: 'two members of a oneof', hex: '1a003200', code: 'message-ambiguous' },
  { what: 'a number of 2^53', hex: '088080808080808010', code: 'number-out-of-range' },
];

describe('shared/rpc/wire', () => {
  it('knows at least forty messages', () => {
    expect(MESSAGE_NAMES.length).to.be.at.least(40);
  });

  for (const name of MESSAGE_NAMES) {
    it(`writes ${name} as protobufjs does, and reads what either wrote`, () => {
      fc.assert(
        fc.property(anyMessage(name), (message) => {
          const bytes = encodeMessage(messageShape(name), message);
          expect(bytes.toString('hex')).to.equal(encodeByLibrary(name, message).toString('hex'));
          expect(decode(name, bytes)).to.deep.equal(message);
          expect(decodeByLibrary(name, bytes)).to.deep.equal(message);
        }),
        { numRuns: 50 },
      );
    });

    it(`takes of ${name} nothing that protobufjs refuses, whatever became of its bytes`, () => {
      const damage = fc.record({ at: fc.nat(), value: fc.nat({ max: 255 }), cutOff: fc.boolean() });
      fc.assert(
        fc.property(anyMessage(name), damage, (message, { at, value, cutOff }) => {
          const bytes = encodeMessage(messageShape(name), message);
          if (bytes.length === 0) return;
          bytes[at % bytes.length] = value;
          const damaged = cutOff ? bytes.subarray(0, at % bytes.length) : bytes;
          const read = readOrRefused(() => decode(name, damaged));
          if (read !== undefined) expect(decodeByLibrary(name, damaged)).to.deep.equal(read);
        }),
        { numRuns: 100 },
      );
    });
  }

  it('refuses in at least eighteen ways', () => {
    expect(REFUSED.length).to.be.at.least(18);
  });

  for (const { what, message = 'AgentToControl', hex, code } of REFUSED) {
    it(`refuses ${what}`, () => {
      expect(() => decode(message, Buffer.from(hex, 'hex')))
        .to.throw(RejectedError)
        .with.property('code', code);
    });
  }

  it('passes over a field of each form that is not known here, and tells of it whoever wants to hear', () => {
    const unknown = Buffer.from(`f801${'01'}f901${'00'.repeat(8)}fa0102${'0101'}fd01${'00'.repeat(4)}`, 'hex');
    const known = encodeMessage(messageShape('AgentToControl'), { seq: 7 });
    const heard: [string, number][] = [];
    const bytes = Buffer.concat([unknown, known]);
    const message = decodeMessage(messageShape('AgentToControl'), bytes, (name, field) => heard.push([name, field]));
    expect(message).to.deep.equal({ seq: 7, ack: 0 });
    expect(heard).to.deep.equal(Array.from({ length: 4 }, () => ['AgentToControl', 31]));
  });

  it('takes numbers in a row one by one as well', () => {
    const name = MESSAGE_NAMES.find((candidate) => packedField(candidate) !== undefined) as string;
    const field = packedField(name) as NonNullable<ReturnType<typeof packedField>>;
    const tag = field.number * 8;
    expect(decode(name, Buffer.from([tag, 1, tag, 2]))[field.name]).to.deep.equal([1, 2]);
    expect(decode(name, Buffer.from([tag, 1, tag + 2, 2, 2, 3]))[field.name]).to.deep.equal([1, 2, 3]);
  });

  it('copies the content of a message once, and reads it where it lies', () => {
    const data = Buffer.alloc(1024, 7);
    const bytes = encodeMessage(messageShape('MetadataPiece'), { data });
    const read = decode('MetadataPiece', bytes).data as Buffer;
    expect([read.buffer, read.length]).to.deep.equal([bytes.buffer, data.length]);
  });
});

function readOrRefused(read: () => object): object | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).to.be.instanceOf(RejectedError);
    return undefined;
  }
}

function packedField(name: string) {
  const { fields } = messageShape(name);
  return fields.find(({ isRepeated, kind, number }) => isRepeated && kind === 'uint64' && number < 16);
}
