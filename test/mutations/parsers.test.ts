/**
 * Every decoder of foreign bytes on the agent, given what no honest writer writes. It takes a document or refuses it; it
 * throws nothing else, ends soon, changes no prototype, and takes nothing that it would write otherwise.
 */
import { expect } from 'chai';
import fc from 'fast-check';

import { RejectedError } from '../../shared/errors.ts';
import { type Decoder, decodersOf } from './decoders.ts';
import { documentMutations } from './json-mutations.ts';
import { signRepository } from './signed-repository.ts';

/** Far above what a document of some megabytes takes on a busy machine, far below what a person calls hanging. */
const LONGEST_MS = 5_000;
const RUNS = 150;

const DEPTHS = [10, 500, 2_000, 5_000, 20_000, 200_000];
const repository = await signRepository(Date.now());
const decoders = decodersOf(repository);

describe('decoders of foreign bytes', function () {
  this.timeout(120_000);
  let takenCount = 0;

  it('are fourteen, and each takes the document that it is for', () => {
    expect(decoders).to.have.length(14);
    for (const decoder of decoders) {
      expect(decoder.samples.length).to.be.at.least(1);
      for (const sample of decoder.samples) expect(outcomeOf(decoder, sample), decoder.name).to.equal('taken');
    }
  });

  for (const decoder of decoders) {
    describe(decoder.name, () => {
      const meets = (bytes: Uint8Array): void => {
        if (outcomeOf(decoder, Buffer.from(bytes)) === 'taken') takenCount += 1;
      };

      it('refuses noise, or takes it for what it is', () => {
        fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), meets));
      });

      it('stands every cut, flip, insertion and repetition in a sound document', () => {
        fc.assert(fc.property(damaged(decoder.samples), meets), { numRuns: RUNS });
      });

      if (decoder.format === 'json') {
        it('stands any JSON', () => {
          fc.assert(fc.property(fc.json({ maxDepth: 6 }), (text) => meets(Buffer.from(text))));
        });

        it('stands a sound document in which one member differs', () => {
          const mutations = decoder.samples.flatMap((sample) => documentMutations(sample, 'thorough'));
          expect(mutations.length).to.be.at.least(15);
          for (const { bytes } of mutations) meets(bytes);
        });

        it('stands what JSON itself allows and nobody expects, in every place of a sound document', () => {
          const oddities = decoder.samples.flatMap((sample) => [...oddDocuments(sample.toString('utf8'))]);
          expect(oddities.length).to.be.at.least(60);
          for (const text of oddities) meets(Buffer.from(text));
        });
      }
    });
  }

  describe('all together', () => {
    it('have taken some of it: what is refused is refused for a reason', () => {
      expect(takenCount).to.be.at.least(20);
    });
  });
});

/** `taken` or the code of the refusal; everything else that comes of it is thrown. */
function outcomeOf(decoder: Decoder, bytes: Buffer): string {
  const startedAt = performance.now();
  const before = prototypes();
  try {
    const decoded = decoder.decode(Buffer.from(bytes));
    expectPlain(decoded);
    if (decoder.encode)
      expect(Buffer.from(decoder.encode(decoded as never)).equals(bytes), 'is re-encoded alike').to.equal(true);
    return 'taken';
  } catch (error) {
    if (!(error instanceof RejectedError)) {
      const shown =
        bytes.length > 300 ? `${bytes.toString('utf8', 0, 300)}\u2026 (${bytes.length} bytes)` : bytes.toString();
      throw new Error(`${decoder.name} failed on ${shown}`, { cause: error });
    }
    return error.code;
  } finally {
    expect(prototypes(), 'prototypes').to.equal(before);
    expect(performance.now() - startedAt, `milliseconds of ${decoder.name}`).to.be.below(LONGEST_MS);
  }
}

function prototypes(): string {
  return [Object.prototype, Array.prototype, Function.prototype, String.prototype]
    .map((prototype) => Object.getOwnPropertyNames(prototype).join())
    .join(';');
}

/** Nothing in it has a prototype that came out of the document. */
function expectPlain(decoded: unknown): void {
  const waiting = [decoded];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) continue;
    expect([Object.prototype, Array.prototype, null]).to.include(Object.getPrototypeOf(value));
    waiting.push(...Object.values(value).filter((member) => member !== undefined));
  }
}

function damaged(samples: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  return fc
    .tuple(fc.constantFrom(...samples), place, place, fc.uint8Array({ maxLength: 12 }), fc.nat(4))
    .map(([sample, from, to, noise, way]) => {
      const [first, last] = [from, to].map((part) => Math.floor(part * sample.length)).sort((a, b) => a - b) as [
        number,
        number,
      ];
      const [head, middle, tail] = [sample.subarray(0, first), sample.subarray(first, last), sample.subarray(last)];
      const ways = [
        [head, tail],
        [head, noise, middle, tail],
        [head, noise, tail],
        [head, middle, middle, tail],
        [head, Buffer.from(middle).reverse(), tail],
      ];
      return Buffer.concat(ways[way] as Uint8Array[]);
    });
}

/** Texts put in the place of values, and whole documents that are odd. */
function* oddDocuments(text: string): Generator<string> {
  const values = [
    ...DEPTHS.flatMap((depth) => [
      '['.repeat(depth) + ']'.repeat(depth),
      `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
      '['.repeat(depth),
    ]),
    ...['1e400', '-1e400', '9007199254740993', '-0', '1E5', '0.1', '1e-7', '123456789012345678901234567890'],
    ...[
      '"\\ud800"',
      '"\\udfff\\ud800"',
      '"\\u0000"',
      '"\u2028"',
      '"\\u0061"',
      '"\ud83d\ude00"',
      `"${'x'.repeat(100_000)}"`,
    ],
    ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"__proto__":null}'],
    ...['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"toString":1,"valueOf":2,"hasOwnProperty":3}', 'NaN', '', ' '],
  ];
  for (const value of values) {
    yield value;
    for (const place of placesOf(text)) yield text.slice(0, place.from) + value + text.slice(place.to);
  }
  for (const member of ['"__proto__":{"polluted":1},', '"__proto__":null,', '"constructor":1,', '"toString":"x",']) {
    for (const at of [...text.matchAll(/\{(?=")/g)].slice(0, 40)) {
      yield text.slice(0, at.index + 1) + member + text.slice(at.index + 1);
    }
  }
  yield* [`\ufeff${text}`, `${text}\n`, ` ${text}`, text + text, `[${text}]`, text.slice(0, -1), `${text}\0`];
}

/** A handful of places where a value stands: numbers, texts, objects and lists in turn. */
function placesOf(text: string): { from: number; to: number }[] {
  const found = [/:(\d+)/, /:("[^"]*")/, /:(\{\})/, /:(\[\])/, /:(\{"[a-z]+":[^{}[\]]*\})/, /:(\[[^[\]{}]*\])/];
  return found.flatMap((pattern) => {
    const match = pattern.exec(text);
    const value = match?.[1];
    return match && value !== undefined ? [{ from: match.index + 1, to: match.index + 1 + value.length }] : [];
  });
}
