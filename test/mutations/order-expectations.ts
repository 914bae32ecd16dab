/** What must become of each mutation of what is said about execution. */
import { type Expectation, row } from './expectation.ts';

const CARRIER = /^(enable|kill|ruling|run live) directive$/;
const SAME_NUMBER = /^spelt longer than needed$/;
const NO_TEXT = /UTF-8|surrogate/;
const BEYOND_A_DIRECTIVE = /^(very long|over the limit of a message)$/;

/** Whoever speaks for the control plane may stop, in whatever words; it is still the one application that he names. */
const kills: readonly Expectation[] = [
  row(['Kill.app', 'must-refuse', 'it is of another application, or of none']),
  row([/^Kill\.\w+$/, 'must-refuse', 'it is no text'], { mutation: NO_TEXT }),
  row(['Kill.order', 'must-refuse', 'too large'], { mutation: BEYOND_A_DIRECTIVE }),
  row([/^Kill\.\w+$/, 'must-refuse', 'a field in the form of another type'], { mutation: /^as a number/ }),
  row([/^Kill\.\w+$/, 'harmless', 'a kill is obeyed, whoever wants it and why']),
];

export const orderExpectations: readonly Expectation[] = [
  row([/^(Directive|Kill)\.\*$/, 'harmless', 'a kill is obeyed before it is understood to its last field'], {
    carrier: /^kill directive$/,
    mutation: /^(an unknown|reserved)/,
  }),
  row([/^(Enable|Kill|Ruling|RunLive)\.\*$/, 'must-refuse', 'an order is understood to its last field']),
  row([/^Directive\.(enable|kill|ruling|runLive)$/, 'may-delay', 'another order'], {
    carrier: CARRIER,
    mutation: /^other/,
  }),
  row([/^Directive\.(enable|kill|ruling|runLive)$/, 'must-refuse', 'it is of no kind, or of two']),
  row([/^Enable\.(epoch|evidenceIndex)$/, 'harmless', 'the same number'], { mutation: SAME_NUMBER }),
  row([/^(Enable|Ruling)\.\w+$/, 'must-refuse', 'nobody signed that, or not about this']),
  ...kills,
  row(['RunLive.liveId', 'harmless', 'a live run has whatever id is free'], { mutation: /^other [12] alone$/ }),
  row(['RunLive.liveId', 'must-refuse', 'ids are of one form']),
  row([/^RunLive\.\w+$/, 'must-refuse', 'the order does not name it']),
  row([/^(an order to enable|a ruling)$/, 'must-refuse', 'people did not decide that']),
  row(['order of orders', 'harmless', 'each is followed once, and a kill always'], {
    mutation:
      /^(an enable (twice|behind|in front)|a kill (behind|in front|between|twice|ten times)|run live twice|a ruling twice|a kill, then an order of after it)/,
  }),
  row(['order of orders', 'may-delay', 'runs and orders do not wait for each other'], {
    mutation: /, and a(n enable)? /,
  }),
  row(['order of orders', 'must-refuse', 'the gate is closed, or another order is due']),
];
