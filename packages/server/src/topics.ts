import type { Frame, FramePayload, JsonMap } from '@dustlayer/protocol'
import type { Intake } from './intake.js'
import { decideJoin, type JoinOutcome } from './join.js'
import { describeError } from './log.js'
import { createMember, type Member, type Outlet } from './member.js'
import { handlerOf } from './pushes.js'
import { accepted, type Reply, rejected } from './reply.js'
import type { Services } from './services.js'
import { type Grant, refusal } from './token.js'

/** The topics joined on one connection. Whatever happens on one of them, the others go on. */
export interface Topics {
  handle(frame: Frame): void
  /** What the connection may do: as its token says, or the one that has taken its place (`reauth`). */
  grant(): Grant
  /** Ends the topics of a store with `phx_close`, as when the store is archived. */
  endStore(storeId: string): void
  /** Lets go of the stores, as the connection is gone. */
  stop(): void
}

export interface TopicsOptions {
  readonly services: Services
  readonly outlet: Outlet
  readonly intake: Intake
  /** Of the token that the connection was made with. */
  readonly grant: Grant
  readonly deviceId: string
}

type Ref = Frame[1]

const UNMATCHED = rejected({ reason: 'unmatched topic' })

export function createTopics({ services, outlet, intake, deviceId, ...options }: TopicsOptions): Topics {
  const { logger } = services
  let { grant } = options
  const members = new Map<string, Member>()

  const send = (joinRef: Ref, ref: Ref, topic: string, event: string, payload: JsonMap) => {
    outlet.send(outlet.format.encode([joinRef, ref, topic, event, payload]))
  }
  const answer = (joinRef: Ref, ref: Ref, topic: string, { status, response }: Reply) => {
    send(joinRef, ref, topic, 'phx_reply', { status, response })
  }

  /** Closed on purpose: `phx_close`. Broken: `phx_error`. Either way the topic is no longer joined. */
  const end = (member: Member, event: 'phx_close' | 'phx_error') => {
    if (members.get(member.topic) !== member) return
    members.delete(member.topic)
    member.stop()
    send(member.joinRef, member.joinRef, member.topic, event, {})
  }

  const fail = (member: Member, error: unknown) => {
    logger.error('a topic failed and was closed', { topic: member.topic, error: describeError(error) })
    end(member, 'phx_error')
  }

  const decide = (reference: string, payload: FramePayload): JoinOutcome => {
    try {
      return decideJoin(services, grant, reference, payload)
    } catch (error) {
      logger.error('a join failed', { store: reference, error: describeError(error) })
      return { ok: false, reply: rejected({ reason: 'join crashed', message: 'The store cannot be opened' }) }
    }
  }

  const join = (ref: Ref, topic: string, payload: FramePayload) => {
    if (!topic.startsWith('store:')) {
      answer(ref, ref, topic, UNMATCHED)
      return
    }
    const previous = members.get(topic)
    if (previous) end(previous, 'phx_close')
    const outcome = decide(topic.slice('store:'.length), payload)
    answer(ref, ref, topic, outcome.reply)
    if (!outcome.ok) return
    const { store, agreed } = outcome
    const { agreement, lastStoreSeq } = agreed
    const failed = (error: unknown) => fail(member, error)
    const member: Member = createMember({
      outlet,
      store,
      topic,
      joinRef: ref,
      lastStoreSeq,
      agreement,
      failed,
    })
    members.set(topic, member)
    member.start()
  }

  /** Topics that the new grant does not open are closed: the one before is worth nothing any more. */
  const regrant = (next: Grant) => {
    grant = next
    for (const member of [...members.values()]) {
      if (refusal(grant, member.store.record, 'entries:read')) end(member, 'phx_close')
    }
  }

  const leave = (joinRef: Ref, ref: Ref, topic: string) => {
    const member = members.get(topic)
    // Of an earlier join: the one that has taken its place stays.
    const current = member && (joinRef === null || joinRef === member.joinRef) ? member : undefined
    answer(current?.joinRef ?? joinRef, ref, topic, accepted())
    if (current) end(current, 'phx_close')
  }

  const push = ([joinRef, ref, topic, event, payload]: Frame) => {
    const member = members.get(topic)
    if (!member) {
      answer(null, ref, topic, UNMATCHED)
      return
    }
    // Meant for an earlier join of the topic, so nobody waits for an answer (spec/wire.md §3).
    if (joinRef !== member.joinRef) return
    const handler = handlerOf(event, member.agreement)
    if (!handler) {
      member.reply(ref, rejected({ reason: 'unknown event', event }))
      return
    }
    const answered = intake.pushed()
    const reply = (reply: Reply, afterSeq?: number) => {
      answered()
      member.reply(ref, reply, afterSeq)
    }
    try {
      const { store, agreement, turns } = member
      const sender = { grant, deviceId, regrant }
      handler({ services, store, agreement, turns, payload, answer: reply, ...sender })
    } catch (error) {
      answered()
      fail(member, error)
    }
  }

  return {
    handle(frame) {
      const [joinRef, ref, topic, event, payload] = frame
      if (topic === 'phoenix') answer(null, ref, topic, event === 'heartbeat' ? accepted() : UNMATCHED)
      else if (event === 'phx_join') join(ref, topic, payload)
      else if (event === 'phx_leave') leave(joinRef, ref, topic)
      else push(frame)
    },
    grant: () => grant,
    endStore(storeId) {
      for (const member of members.values()) {
        if (member.store.record.id === storeId) end(member, 'phx_close')
      }
    },
    stop() {
      for (const member of members.values()) member.stop()
      members.clear()
    },
  }
}
