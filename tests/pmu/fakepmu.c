// SPDX-License-Identifier: GPL-2.0
/* fakepmu: a stand-in for the x86 core PMU, for a guest kernel that has none (QEMU TCG).
 *
 * Registers a PMU named "cpu" with type PERF_TYPE_RAW, so that PERF_TYPE_HARDWARE,
 * PERF_TYPE_HW_CACHE and PERF_TYPE_RAW events open, count, multiplex and sample through
 * the kernel's own perf core. Counts are time times a fixed rate per event (below), so
 * every ratio that a profiler shows (IPC, miss rates) has a known right answer.
 * Overflows come from a per-event hrtimer. Counts do not honour exclude_user/kernel
 * (samples do). Test rig only: kernel 6.1.
 * Where an instruction takes 2 ns (QEMU's -icount shift=1), "graded" makes some rates right for
 * loops of known instructions and others wrong by known amounts.
 */
#include <asm/irq_regs.h>
#include <linux/hrtimer.h>
#include <linux/kprobes.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>

static int ngp = 4;
module_param(ngp, int, 0444); /* general-purpose counters a CPU */
static int nfix = 3;
module_param(nfix, int, 0444); /* fixed: instructions, cycles, ref-cycles */
static int min_ns = 10000;
module_param(min_ns, int, 0644); /* shortest time between overflows */

static int graded;
module_param(graded, int, 0644);

/* events per 1000 ns */
enum { R_CYC = 2000, R_INS = 3000, R_REF = 1800 };
static const u32 hw_rate[PERF_COUNT_HW_MAX] = {
	[PERF_COUNT_HW_CPU_CYCLES] = R_CYC,
	[PERF_COUNT_HW_INSTRUCTIONS] = R_INS,
	[PERF_COUNT_HW_CACHE_REFERENCES] = 40,
	[PERF_COUNT_HW_CACHE_MISSES] = 4,
	[PERF_COUNT_HW_BRANCH_INSTRUCTIONS] = 600,
	[PERF_COUNT_HW_BRANCH_MISSES] = 12,
	[PERF_COUNT_HW_BUS_CYCLES] = 100,
	[PERF_COUNT_HW_STALLED_CYCLES_FRONTEND] = 200,
	[PERF_COUNT_HW_STALLED_CYCLES_BACKEND] = 500,
	[PERF_COUNT_HW_REF_CPU_CYCLES] = R_REF,
};

static u32 cache_rate(u64 cfg)
{
	static const u32 r[][3][2] = {
		/* [cache][op][access, miss]; 0: not supported */
		[PERF_COUNT_HW_CACHE_L1D] = { { 800, 25 }, { 400, 0 }, { 0, 0 } },
		[PERF_COUNT_HW_CACHE_L1I] = { { 0, 6 }, { 0, 0 }, { 0, 0 } },
		[PERF_COUNT_HW_CACHE_LL] = { { 15, 3 }, { 5, 1 }, { 0, 0 } },
		[PERF_COUNT_HW_CACHE_DTLB] = { { 800, 2 }, { 400, 1 }, { 0, 0 } },
		[PERF_COUNT_HW_CACHE_ITLB] = { { 0, 1 }, { 0, 0 }, { 0, 0 } },
		[PERF_COUNT_HW_CACHE_BPU] = { { 600, 12 }, { 0, 0 }, { 0, 0 } },
		[PERF_COUNT_HW_CACHE_NODE] = { { 3, 1 }, { 1, 1 }, { 0, 0 } },
	};
	u32 c = cfg & 0xff, o = (cfg >> 8) & 0xff, m = (cfg >> 16) & 0xff;

	return c < ARRAY_SIZE(r) && o < 3 && m < 2 ? r[c][o][m] : 0;
}

static u32 raw_rate(u64 cfg)
{
	switch (cfg & 0xffff) {
	case 0x003c:
		return R_CYC;
	case 0x00c0:
		return R_INS;
	case 0x0300:
		return R_REF;
	case 0x412e:
		return 4;
	case 0x4f2e:
		return 40;
	case 0x00c4:
		return 600;
	case 0x00c5:
		return 12;
	case 0x0000:
		return 0;
	}
	return 1 + (((cfg & 0xff) * 7 + ((cfg >> 8) & 0xff) * 13) %
		    97); /* any other: a known rate, 1..97 */
}

/* Rates of "graded", at 500 instructions a microsecond. -1: none of its own. */
enum { R_RIGHT_INS = 500, R_RIGHT_BRANCHES = 167 };
static int graded_rate(u32 type, u64 cfg)
{
	enum { L1_LOADS = PERF_COUNT_HW_CACHE_L1D, L1_MISSES = L1_LOADS | 1 << 16 };

	if (type == PERF_TYPE_HW_CACHE)
		return cfg == L1_LOADS ? 440 : /* 8 of 10 instructions are 400: a tenth too many */
			       cfg == L1_MISSES ? 172
						: /* 1 of 3 instructions is 166.7: 3 % */
			       -1;
	if (type == PERF_TYPE_HARDWARE)
		return cfg == PERF_COUNT_HW_INSTRUCTIONS          ? R_RIGHT_INS
		       : cfg == PERF_COUNT_HW_BRANCH_INSTRUCTIONS ? R_RIGHT_BRANCHES
		       : cfg == PERF_COUNT_HW_BRANCH_MISSES       ? 0
								  : /* opens, and stays 0 */
			       -1;
	cfg &= 0xffff;
	return cfg == 0x00c0 ? R_RIGHT_INS : cfg == 0x00c4 ? R_RIGHT_BRANCHES : -1;
}

struct cpu_state {
	unsigned long gp, fix;
};
static DEFINE_PER_CPU(struct cpu_state, cpu_state);
static int (*overflow_fn)(struct perf_event *, struct perf_sample_data *, struct pt_regs *);
static struct pmu fake;

/* Not in event->hw: its hrtimer shares a union with the fields of a hardware event. */
struct fev {
	struct hrtimer timer;
	struct perf_event *e;
	u64 rate, rem;
	int idx;
};
static struct fev *F(struct perf_event *e)
{
	return e->pmu_private;
}
#define RATE(e) (F(e)->rate) /* events per 1000 ns */

static void fake_read(struct perf_event *e)
{
	u64 now = local_clock(), prev = local64_xchg(&e->hw.prev_count, now);
	u64 d = (now - prev) * RATE(e) + F(e)->rem;

	F(e)->rem = d % 1000;
	local64_add(d / 1000, &e->count);
}

static u64 period_ns(struct perf_event *e)
{
	u64 p = e->hw.sample_period,
	    ns = p > (1ull << 50) ? 1ull << 50 : div64_u64(p * 1000, RATE(e));

	return max_t(u64, min_ns, ns);
}

static bool excluded(struct perf_event *e, struct pt_regs *r)
{
	return user_mode(r) ? e->attr.exclude_user : e->attr.exclude_kernel;
}

static enum hrtimer_restart fake_timer(struct hrtimer *t)
{
	struct perf_event *e = container_of(t, struct fev, timer)->e;
	struct pt_regs *regs = get_irq_regs();
	struct perf_sample_data data;

	if (e->state != PERF_EVENT_STATE_ACTIVE)
		return HRTIMER_NORESTART;
	fake_read(e);
	e->hw.last_period = e->hw.sample_period;
	perf_sample_data_init(&data, 0, e->hw.last_period);
	if (regs && !excluded(e, regs) && !(e->attr.exclude_idle && is_idle_task(current))) {
		if (e->attr.precise_ip) { /* what a PEBS load sample would carry */
			data.addr = regs->sp;
			data.sample_flags |= PERF_SAMPLE_ADDR;
			data.weight.full = 42;
			data.sample_flags |= PERF_SAMPLE_WEIGHT_TYPE;
			data.data_src.val = PERF_MEM_S(OP, LOAD) | PERF_MEM_S(LVL, L3) |
					    PERF_MEM_S(LVL, HIT) | PERF_MEM_S(TLB, HIT);
			data.sample_flags |= PERF_SAMPLE_DATA_SRC;
		}
		if (overflow_fn(e, &data, regs))
			return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(t, ns_to_ktime(period_ns(e)));
	return HRTIMER_RESTART;
}

static void fake_start(struct perf_event *e, int flags)
{
	e->hw.state = 0;
	local64_set(&e->hw.prev_count, local_clock());
	if (e->hw.sample_period)
		hrtimer_start(&F(e)->timer, ns_to_ktime(period_ns(e)),
			      HRTIMER_MODE_REL_PINNED_HARD);
	perf_event_update_userpage(e);
}

static void fake_stop(struct perf_event *e, int flags)
{
	if (e->hw.state & PERF_HES_STOPPED)
		return;
	if (e->hw.sample_period)
		hrtimer_cancel(&F(e)->timer);
	fake_read(e);
	e->hw.state = PERF_HES_STOPPED | PERF_HES_UPTODATE;
}

static int fake_add(struct perf_event *e, int flags)
{
	struct cpu_state *s = this_cpu_ptr(&cpu_state);
	u32 r = RATE(e);
	int f = r == R_INS ? 0 : r == R_CYC ? 1 : r == R_REF ? 2 : -1, i;

	if (f >= 0 && f < nfix && !(s->fix & BIT(f))) {
		s->fix |= BIT(f);
		F(e)->idx = 32 + f;
	} else {
		for (i = 0; i < ngp && (s->gp & BIT(i)); i++)
			;
		if (i == ngp)
			return -EAGAIN;
		s->gp |= BIT(i);
		F(e)->idx = i;
	}
	e->hw.state = PERF_HES_STOPPED | PERF_HES_UPTODATE;
	if (flags & PERF_EF_START)
		fake_start(e, PERF_EF_RELOAD);
	return 0;
}

static void fake_del(struct perf_event *e, int flags)
{
	struct cpu_state *s = this_cpu_ptr(&cpu_state);

	fake_stop(e, PERF_EF_UPDATE);
	if (F(e)->idx >= 32)
		s->fix &= ~BIT(F(e)->idx - 32);
	else
		s->gp &= ~BIT(F(e)->idx);
	perf_event_update_userpage(e);
}

static void fake_destroy(struct perf_event *e)
{
	kfree(F(e));
}

static int fake_init(struct perf_event *e)
{
	struct fev *f;
	u32 r = 0;
	int own;

	if (e->attr.type == PERF_TYPE_HARDWARE) {
		if (e->attr.config >= PERF_COUNT_HW_MAX)
			return -EINVAL;
		r = hw_rate[e->attr.config];
	} else if (e->attr.type == PERF_TYPE_HW_CACHE) {
		r = cache_rate(e->attr.config);
	} else if (e->attr.type == fake.type) {
		r = raw_rate(e->attr.config);
	} else {
		return -ENOENT;
	}
	own = graded ? graded_rate(e->attr.type, e->attr.config) : -1;
	if (own >= 0)
		r = own;
	if (!r && (own < 0 || e->attr.sample_period))
		return e->attr.type == PERF_TYPE_RAW ? -EINVAL : -ENOENT;
	if (has_branch_stack(e) || e->attr.precise_ip > 2)
		return -EOPNOTSUPP;
	if (e->group_leader != e) { /* a group must fit the counters at once, as on hardware */
		struct perf_event *s;
		int n = 2;

		for_each_sibling_event(s, e->group_leader) n++;
		if (n > ngp + nfix)
			return -EINVAL;
	}
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	f->e = e;
	f->rate = r;
	f->idx = -1;
	hrtimer_init(&f->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	f->timer.function = fake_timer;
	e->pmu_private = f;
	e->destroy = fake_destroy;
	return 0;
}

static ssize_t ev_show(struct device *d, struct device_attribute *a, char *buf)
{
	struct perf_pmu_events_attr *p = container_of(a, struct perf_pmu_events_attr, attr);

	return sysfs_emit(buf, "%s\n", p->event_str);
}
#define EV(n, id, s)                                                                               \
	static struct perf_pmu_events_attr ev_##n = { .attr = __ATTR(id, 0444, ev_show, NULL),     \
						      .event_str = s }
/* The names are tokens with hyphens. */
/* clang-format off */
EV(cyc, cpu-cycles, "event=0x3c");
EV(ins, instructions, "event=0xc0");
EV(cm, cache-misses, "event=0x2e,umask=0x41");
EV(cr, cache-references, "event=0x2e,umask=0x4f");
EV(br, branch-instructions, "event=0xc4");
EV(bm, branch-misses, "event=0xc5");
EV(ref, ref-cycles, "event=0x00,umask=0x03");
/* clang-format on */
static struct attribute *ev_attrs[] = { &ev_cyc.attr.attr, &ev_ins.attr.attr,
					&ev_cm.attr.attr,  &ev_cr.attr.attr,
					&ev_br.attr.attr,  &ev_bm.attr.attr,
					&ev_ref.attr.attr, NULL };
static const struct attribute_group ev_group = { .name = "events", .attrs = ev_attrs };
PMU_FORMAT_ATTR(event, "config:0-7");
PMU_FORMAT_ATTR(umask, "config:8-15");
PMU_FORMAT_ATTR(edge, "config:18");
PMU_FORMAT_ATTR(inv, "config:23");
PMU_FORMAT_ATTR(cmask, "config:24-31");
static struct attribute *fmt_attrs[] = { &format_attr_event.attr, &format_attr_umask.attr,
					 &format_attr_edge.attr,  &format_attr_inv.attr,
					 &format_attr_cmask.attr, NULL };
static const struct attribute_group fmt_group = { .name = "format", .attrs = fmt_attrs };
static const struct attribute_group *groups[] = { &ev_group, &fmt_group, NULL };

static struct pmu fake = {
	.module = THIS_MODULE,
	.task_ctx_nr = perf_hw_context,
	.attr_groups = groups,
	.event_init = fake_init,
	.add = fake_add,
	.del = fake_del,
	.start = fake_start,
	.stop = fake_stop,
	.read = fake_read,
};

static void *lookup(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	void *p = NULL;

	if (!register_kprobe(&kp)) {
		p = kp.addr;
		unregister_kprobe(&kp);
	}
	return p;
}

static int __init fake_mod_init(void)
{
	int rc;

	overflow_fn = lookup("perf_event_overflow"); /* not exported to modules */
	if (!overflow_fn)
		return -ENOENT;
	rc = perf_pmu_register(&fake, "cpu", PERF_TYPE_RAW);
	pr_info("fakepmu: registered cpu PMU, %d+%d counters, rc %d\n", ngp, nfix, rc);
	return rc;
}
static void __exit fake_mod_exit(void)
{
	perf_pmu_unregister(&fake);
}
module_init(fake_mod_init);
module_exit(fake_mod_exit);
MODULE_LICENSE("GPL");
