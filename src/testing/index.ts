/** `fanfare/test`: what tests of configurations are written with in TypeScript. See docs/testing.md. */
export type {
  AddScenario,
  Duration,
  EventWishes,
  Headers,
  Message,
  MessageWishes,
  ParamWishes,
  Pattern,
  Phone,
  PhoneOptions,
  RaisedEvent,
  ReplyOptions,
  RequestOptions,
  ScenarioBody,
  ScenarioOptions,
  Stage,
  Subscriber,
  WebRequest,
  WebServer,
  WebWishes,
} from './api.ts'
export { scenario } from './scenario.ts'
