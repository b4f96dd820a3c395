//! The world: two nodes, two chains, and all that may happen next.

use crate::chain::{ACTS, BLOCKS, Chain, Place, REDEEMS, REFUNDS, Taken};
use crate::machine::{Machine, of};
use crate::node::Node;
use crate::terms;
use kofo_primitives::ActKind::{self, Cancel, Lock, Redeem, Refund};
use kofo_primitives::{Role, Side};
use kofo_settlement::Phase;
use stateright::{Model, Property};

pub(crate) const SIDES: [Side; 2] = [Side::Alpha, Side::Beta];
pub(crate) const ROLES: [Role; 2] = [Role::Initiator, Role::Participant];

/// How much may go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Crashes of the initiator and of the participant.
    pub(crate) crashes: [u8; 2],
    /// Who crashes may never come back.
    pub(crate) vanish: bool,
    /// Reorgs of one block, of alpha's and of beta's chain.
    pub(crate) reorgs: [u8; 2],
    /// Transactions that a mempool forgets.
    pub(crate) drops: u8,
    /// Users that want their asset back.
    pub(crate) give_up: [bool; 2],
    /// Who is up may be any number of blocks behind a chain; otherwise at most one.
    pub(crate) lag: bool,
    /// A signer may take its time; otherwise it answers at once.
    pub(crate) slow_signer: bool,
    /// The nodes ask each other for signatures; requests and answers may be lost.
    pub(crate) talks: bool,
    /// This party is no node of ours: it does whatever the chains let it do, and says whatever it likes.
    pub(crate) liar: Option<Role>,
}

/// A world with a clock and a budget of faults.
pub(crate) struct World {
    pub(crate) machines: [Machine; 2],
    pub(crate) depth: u8,
    steps: [u8; 2],
    faults: Faults,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) chains: [Chain; 2],
    pub(crate) nodes: [Node; 2],
    drops_left: u8,
    /// The preimage was in a mempool or a block, or the other party was told.
    pub(crate) shown: bool,
    /// The liar has the signature for the return, or the redeem, of what it may take: of alpha and of beta.
    given: [bool; 2],
    pub(crate) breach: Option<Breach>,
}

/// A rule that a step broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Breach {
    RevealedLate,
    RevealedBeforeBetaWasFinal,
    RefundedEarly,
    LockedTwice,
    LockedBeforeAlphaWasFinal,
    MachineFailed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A block comes that takes this.
    Mine(Side, Taken),
    /// The chain's time is the next that matters.
    Tick(Side),
    /// A node hears all news of a chain.
    Hear(Role, Side),
    /// A node hears the tip of a chain.
    Tip(Role, Side),
    /// An adapter has built what it was asked for.
    Build(Role, Side, ActKind),
    /// An adapter sends what it was asked to.
    Send(Role, Side, ActKind),
    Back(Role),
    Crash(Role),
    Vanish(Role),
    Reorg(Side, bool),
    Drop(Side, ActKind),
    GiveUp(Role),
    /// Asks the other party for the signature that takes this leg, and this comes of it.
    Ask(Role, Side, Heard),
    /// The liar sends this.
    Lie(Side, ActKind),
    /// The liar asks for the signature that takes this leg for it.
    LieAsk(Side),
}

/// What comes of a request for a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The request is lost, but the asker was ready for anything.
    Lost,
    /// The answer is lost.
    Unanswered,
    /// The answer arrives.
    Answered,
}

impl Step {
    /// It happens by itself, sooner or later.
    const fn is_progress(self) -> bool {
        !matches!(
            self,
            Self::Crash(_)
                | Self::Vanish(_)
                | Self::Reorg(..)
                | Self::Drop(..)
                | Self::GiveUp(_)
                | Self::Ask(..)
                | Self::Lie(..)
                | Self::LieAsk(_)
        )
    }
}

pub(crate) const fn who(role: Role) -> usize {
    match role {
        Role::Initiator => 0,
        Role::Participant => 1,
    }
}

impl World {
    pub(crate) fn new(depth: u8, clock: terms::Clock, faults: Faults) -> Self {
        let machines = ROLES.map(|role| terms::machine(role, depth, clock));
        Self {
            steps: terms::steps(clock),
            machines,
            depth,
            faults,
        }
    }

    pub(crate) fn machine(&self, role: Role) -> &Machine {
        &self.machines[who(role)]
    }

    pub(crate) fn is_done(&self, state: &State, role: Role) -> bool {
        state.nodes[who(role)].is_done(self.machine(role))
    }

    pub(crate) const fn liar(&self) -> Option<Role> {
        self.faults.liar
    }

    pub(crate) const fn steps_of(&self, side: Side) -> u8 {
        self.steps[of(side)]
    }

    pub(crate) fn last_time(&self, state: &State, side: Side) -> bool {
        state.chains[of(side)].time + 1 == self.steps[of(side)]
    }

    fn next(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        match step {
            Step::Mine(side, taken) => {
                next.chains[of(side)] = state.chains[of(side)].mine(taken, self.depth)?;
            }
            Step::Tick(side) => self.tick(&mut next, side)?,
            Step::Send(role, side, act) => self.send(&mut next, role, side, act)?,
            Step::Reorg(side, vanish) => {
                next.chains[of(side)] = state.chains[of(side)].reorg(vanish)?;
                self.may_forget(state, &next, side).then_some(())?;
            }
            Step::Drop(side, act) => {
                next.drops_left = next.drops_left.checked_sub(1)?;
                next.chains[of(side)] = state.chains[of(side)].forget(act)?;
                self.may_forget(state, &next, side).then_some(())?;
            }
            Step::Ask(role, side, heard) => self.ask(&mut next, role, side, heard)?,
            Step::Lie(side, act) => self.lie(&mut next, side, act)?,
            Step::LieAsk(side) => self.lie_ask(&mut next, side)?,
            Step::Hear(role, _)
            | Step::Tip(role, _)
            | Step::Build(role, ..)
            | Step::Back(role)
            | Step::Crash(role)
            | Step::Vanish(role)
            | Step::GiveUp(role) => match self.node(state, role, step) {
                Ok(node) => next.nodes[who(role)] = node?,
                Err(_) => next.breach = Some(Breach::MachineFailed),
            },
        }
        self.mark_late(&mut next);
        if next.nodes.iter().any(|node| node.locks_built > 1) {
            next.breach = Some(Breach::LockedTwice);
        }
        let early = |side: Side| {
            let before = state.chains[of(side)].mined(Refund);
            !before && next.chains[of(side)].mined(Refund) && !self.last_time(state, side)
        };
        if SIDES.into_iter().any(early) {
            next.breach = Some(Breach::RefundedEarly);
        }
        Some(next)
    }

    /// A redeem is not forgotten before its sender, if it is up, was told of it.
    fn may_forget(&self, before: &State, after: &State, side: Side) -> bool {
        let was = before.chains[of(side)].place(Redeem) != Place::Nowhere;
        let is = after.chains[of(side)].place(Redeem) != Place::Nowhere;
        let heard = |role: Role| self.node(before, role, Step::Hear(role, side)) == Ok(None);
        let sender = ROLES.into_iter().find(|role| role.locks() != side);
        !was || is || sender.is_none_or(heard)
    }

    fn node(&self, state: &State, role: Role, step: Step) -> Result<Option<Node>, String> {
        let (node, machine) = (&state.nodes[who(role)], self.machine(role));
        match step {
            Step::Hear(_, side) => node.hear(machine, side, &state.chains[of(side)]),
            Step::Tip(_, side) => node.tip(machine, side, &state.chains[of(side)]),
            Step::Build(_, side, act) => node.built(machine, side, act),
            Step::Back(_) => node.back(machine),
            Step::Crash(_) => Ok(node.crash(machine, false)),
            Step::Vanish(_) => Ok(node.crash(machine, true)),
            Step::GiveUp(_) => node.give_up(machine),
            Step::Mine(..)
            | Step::Tick(_)
            | Step::Send(..)
            | Step::Reorg(..)
            | Step::Drop(..)
            | Step::Ask(..)
            | Step::Lie(..)
            | Step::LieAsk(_) => Ok(None),
        }
    }

    fn send(&self, next: &mut State, role: Role, side: Side, act: ActKind) -> Option<()> {
        let chains = next.chains;
        let chain = &mut next.chains[of(side)];
        if !next.nodes[who(role)].sends(side, act, chain) {
            return None;
        }
        if act == Redeem && !next.shown {
            if !chain.is_final(Lock, self.depth) {
                next.breach = Some(Breach::RevealedBeforeBetaWasFinal);
            }
            // Who was about to tell the other party cannot know that it did not.
            let told = self.machine(role).view(next.nodes[who(role)].swap).told;
            if chain.time >= terms::reveal_over(self.steps[1]) && !told {
                next.breach = Some(Breach::RevealedLate);
            }
            next.shown = true;
        }
        if act == Refund && chain.time + 1 != self.steps[of(side)] {
            next.breach = Some(Breach::RefundedEarly);
        }
        let first_alpha = chains[0].is_final(Lock, self.depth) && chains[0].ended().is_none();
        if role == Role::Participant && act == Lock && !next.shown && !first_alpha {
            next.breach = Some(Breach::LockedBeforeAlphaWasFinal);
        }
        chain.submit(act);
        Some(())
    }

    /// Whoever is there has heard of the chain's newest block: nobody is further behind.
    fn is_heard(&self, state: &State, side: Side) -> bool {
        let chain = &state.chains[of(side)];
        self.faults.lag
            || state.nodes.iter().all(|node| {
                let machine = self.machine(node.role);
                let news = |step: Result<Option<Node>, String>| !matches!(step, Ok(None));
                !news(node.hear(machine, side, chain)) && !news(node.tip(machine, side, chain))
            })
    }

    /// Time passes. What the timelock policy gives a node time for is done before its deadline, unless the node is down:
    /// then it is late.
    fn tick(&self, next: &mut State, side: Side) -> Option<()> {
        let before = next.clone();
        let chain = &mut next.chains[of(side)];
        if chain.time + 1 == self.steps[of(side)] {
            return None;
        }
        *chain = chain.tick(self.depth);
        let chain = *chain;
        if !self.last_time(next, side) {
            let over = side == Side::Beta && chain.time == terms::reveal_over(self.steps[of(side)]);
            let again = over && self.was_shown(&before) && chain.none_of(REDEEMS);
            let up = before.nodes[who(Role::Initiator)].up;
            return (!again || !up || !self.is_moving(&before, Role::Initiator)).then_some(());
        }
        // T_alpha comes the gap after T_beta.
        if side == Side::Alpha && !self.last_time(&before, Side::Beta) {
            return None;
        }
        let role = match side {
            Side::Beta => Role::Initiator,
            Side::Alpha => Role::Participant,
        };
        if self.owes_before(&before, role) {
            if self.is_moving(&before, role) {
                return None;
            }
            next.nodes[who(role)].late |= !before.nodes[who(role)].up;
        }
        Some(())
    }

    /// Who has shown the preimage and dies before it hears of that is back in time while its reveal window is open, or
    /// while the redeem is still there: after that it cannot tell that it was ever shown.
    fn mark_late(&self, next: &mut State) {
        let machine = self.machine(Role::Initiator);
        let [initiator, _] = &mut next.nodes;
        let beta = &next.chains[of(Side::Beta)];
        let over = beta.time >= terms::reveal_over(self.steps[of(Side::Beta)]);
        let told = machine.view(initiator.swap).told;
        let forgotten = (next.shown || told) && beta.none_of(REDEEMS);
        initiator.late |= over && forgotten && !initiator.up && !machine.view(initiator.swap).public;
    }

    /// Somebody else knows the preimage, or may.
    fn was_shown(&self, state: &State) -> bool {
        let initiator = &state.nodes[who(Role::Initiator)];
        state.shown || self.machine(Role::Initiator).view(initiator.swap).told
    }

    /// Whether a node must still do something before the timelock of what comes in to it.
    fn owes_before(&self, state: &State, role: Role) -> bool {
        let [alpha, beta] = &state.chains;
        match role {
            // Its redeem is final within the reveal window.
            Role::Initiator => state.shown && !beta.any_final(REDEEMS, self.depth),
            // Its refund is final, or its redeem, within the gap.
            Role::Participant => {
                let safe = beta.any_final(REFUNDS, self.depth)
                    || beta.is_final(Cancel, self.depth)
                    || alpha.any_final(REDEEMS, self.depth);
                let phase = self.machine(role).view(state.nodes[who(role)].swap).phase;
                !safe && phase >= Phase::LockSent && !matches!(phase, Phase::Done(_))
            }
        }
    }

    /// Whether blocks, or the node if it is up, do something that cannot wait.
    fn is_moving(&self, state: &State, role: Role) -> bool {
        let urgent = |side: Side| {
            let chain = &state.chains[of(side)];
            let ours = role.locks() != side || role == Role::Participant;
            ours && (chain.unsettled(self.depth)
                || BLOCKS.iter().any(|taken| chain.mine(taken, self.depth).is_some()))
        };
        let acts = SIDES.into_iter().flat_map(|side| {
            let each = ACTS
                .into_iter()
                .flat_map(move |act| [Step::Build(role, side, act), Step::Send(role, side, act)]);
            each.chain([Step::Hear(role, side), Step::Tip(role, side)])
        });
        let mut acts = acts.filter(|step| self.next(state, *step).is_some());
        SIDES.into_iter().any(urgent) || acts.next().is_some()
    }

    fn chain_steps(&self, state: &State, side: Side, steps: &mut Vec<Step>) {
        if self.is_heard(state, side) {
            steps.extend(BLOCKS.map(|taken| Step::Mine(side, taken)));
            steps.push(Step::Tick(side));
        }
        if state.chains[of(side)].reorgs_left > 0 {
            steps.extend([Step::Reorg(side, false), Step::Reorg(side, true)]);
        }
        if state.drops_left > 0 {
            steps.extend(ACTS.map(|act| Step::Drop(side, act)));
        }
    }

    fn node_steps(&self, state: &State, role: Role, steps: &mut Vec<Step>) {
        let node = &state.nodes[who(role)];
        if !node.up {
            steps.push(Step::Back(role));
            return;
        }
        for side in SIDES {
            steps.extend([Step::Hear(role, side), Step::Tip(role, side)]);
            if self.faults.slow_signer {
                steps.extend(ACTS.map(|act| Step::Build(role, side, act)));
            }
            let sent = |act: &ActKind| node.sends(side, *act, &state.chains[of(side)]);
            steps.extend(
                ACTS.into_iter()
                    .filter(sent)
                    .map(|act| Step::Send(role, side, act)),
            );
        }
        if node.may_give_up {
            steps.push(Step::GiveUp(role));
        }
        if self.faults.talks {
            for (side, _) in node.asks(self.machine(role)) {
                let heards = [Heard::Lost, Heard::Unanswered, Heard::Answered];
                steps.extend(heards.map(|heard| Step::Ask(role, side, heard)));
            }
        }
        if node.crashes_left > 0 {
            steps.push(Step::Crash(role));
            steps.extend(self.faults.vanish.then_some(Step::Vanish(role)));
        }
    }

    /// Nothing more happens by itself.
    pub(crate) fn is_over(&self, state: &State) -> bool {
        let mut steps = Vec::new();
        self.actions(state, &mut steps);
        !steps
            .into_iter()
            .any(|step| step.is_progress() && self.next(state, step).is_some())
    }
}

impl Model for World {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let Faults {
            crashes,
            reorgs,
            drops,
            give_up,
            slow_signer,
            ..
        } = self.faults;
        let node = |role: Role| {
            let mut node = Node::new(role, crashes[who(role)], give_up[who(role)], !slow_signer);
            (node.up, node.gone) = match self.faults.liar {
                Some(liar) if liar == role => (false, true),
                _ => (true, false),
            };
            node
        };
        vec![State {
            chains: reorgs.map(Chain::new),
            nodes: ROLES.map(node),
            drops_left: drops,
            shown: false,
            given: [false; 2],
            breach: None,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.breach.is_some() {
            return;
        }
        for side in SIDES {
            self.chain_steps(state, side, steps);
        }
        for role in ROLES.into_iter().filter(|role| self.faults.liar != Some(*role)) {
            self.node_steps(state, role, steps);
        }
        if self.faults.liar.is_some() {
            for side in SIDES {
                steps.extend(ACTS.map(|act| Step::Lie(side, act)));
                steps.push(Step::LieAsk(side));
            }
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        self.next(state, step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        crate::rules::all(self.faults.liar.is_none())
    }
}

impl State {
    pub(crate) const fn given(&self, side: Side) -> bool {
        self.given[of(side)]
    }

    pub(crate) const fn give(&mut self, side: Side) {
        self.given[of(side)] = true;
    }

    /// Whether one of these is in a block.
    pub(crate) fn is_in_block(&self, side: Side, acts: [ActKind; 2]) -> bool {
        self.chains[of(side)].any_mined(acts)
    }
}
