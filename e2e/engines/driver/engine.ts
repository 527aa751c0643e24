/** The browser engines that the scenarios run in. */
export type EngineName = 'chromium' | 'firefox' | 'webkit'

export interface ProfileOptions {
  /** As in a private or incognito window: nothing is kept when the browser ends. */
  readonly private?: boolean
  /** Iframes of other sites may not store anything, as some users want it; a browser without the choice ignores it. */
  readonly blocksThirdParties?: boolean
}

/** One browser engine: all that the scenarios need of it, and nothing that only one of them has. */
export interface Engine {
  readonly name: EngineName
  /** Whether a profile outlives its browser. WebKitGTK's driver knows ephemeral sessions only. */
  readonly keepsProfiles: boolean
  /** Starts a browser with an empty profile. */
  openProfile(options?: ProfileOptions): Promise<EngineProfile>
}

/** A person's browser. */
export interface EngineProfile {
  /** What the running browser calls itself: `Firefox 153.7.0`. */
  readonly version: string
  /** A new tab, in front of the others, with its page loaded. */
  openTab(url: string): Promise<EngineTab>
  /** Closes the browser and starts it again. Its tabs are gone. */
  restart(): Promise<void>
  /** SIGKILLs all of the browser's processes and starts it again. */
  crash(): Promise<void>
  /** Ends the browser and removes what it kept. */
  dispose(): Promise<void>
}

export interface EngineTab extends EngineFrame {
  /** Loads a page in this tab and waits for it. */
  goto(url: string): Promise<void>
  reload(): Promise<void>
  /** The only iframe of the page. */
  frame(): Promise<EngineFrame>
  /** Closes the tab at once: the page is not asked. */
  close(): Promise<void>
}

/** A document that code can be run in. */
export interface EngineFrame {
  /** The value of a synchronous expression that gives a string, evaluated in the page's own realm. */
  evaluate(expression: string): Promise<string>
}
