namespace PerfMonitoring.Advice;

/// <content>The configuration that a search changes.</content>
internal sealed partial class IndexSelection
{
    // A configuration with the present value of each statement.
    private sealed class SearchState
    {
        private readonly IndexSelection selection;
        private readonly bool[] has;
        // For each index, the number of its rivals that are chosen.
        private readonly int[] blocked;
        private readonly double[] value;
        private readonly int[] seen;
        private List<(int Id, double Loss)> ranked = [];
        private int rankedAt = -1;
        private int tick;
        private long size;

        public SearchState(IndexSelection selection)
        {
            seen = new int[selection.tables.Count];
            this.selection = selection;
            has = new bool[selection.candidates.Count];
            blocked = new int[has.Length];
            value = [.. selection.tables.Select((_, s) => selection.Value(s, selection.plans[s].Length - 1, has))];
            Chosen = [];
            Score = value.Sum();
        }

        public SearchState(SearchState other)
        {
            selection = other.selection;
            seen = new int[selection.tables.Count];
            has = [.. other.has];
            blocked = [.. other.blocked];
            value = [.. other.value];
            size = other.size;
            Chosen = [.. other.Chosen];
            Score = other.Score;
        }

        public List<int> Chosen { get; }

        public double Score { get; private set; }

        public int Age { get; private set; }

        public bool Has(int id) => has[id];

        public long Bytes(int[] move)
        {
            var bytes = 0L;
            foreach (var id in move)
            {
                bytes += has[id] ? 0 : selection.candidates[id].SizeBytes;
            }

            return bytes;
        }

        public bool Fits(int[] move, params ReadOnlySpan<int> leaving)
        {
            var bytes = size + Bytes(move);
            var count = Chosen.Count - leaving.Length;
            foreach (var id in move)
            {
                count += has[id] ? 0 : 1;
            }

            foreach (var id in leaving)
            {
                bytes -= selection.candidates[id].SizeBytes;
            }

            return !(bytes > selection.options.StorageBudget) && !(count > selection.options.MaximumCount)
                && !HasRival(move, leaving);
        }

        // Chosen indexes that exclude a member of the move.
        public List<int> RivalsOf(int[] move) =>
            Array.TrueForAll(move, id => blocked[id] == 0)
                ? [] : Chosen.FindAll(old => Array.Exists(move, id => Array.IndexOf(selection.rivals[id], old) >= 0));

        private bool HasRival(int[] move, ReadOnlySpan<int> leaving)
        {
            foreach (var id in move)
            {
                var count = blocked[id];
                for (var i = 0; i < leaving.Length && count > 0; i++)
                {
                    count -= Array.IndexOf(selection.rivals[id], leaving[i]) >= 0 ? 1 : 0;
                }

                if (count > 0)
                {
                    return true;
                }
            }

            return false;
        }

        // The indexes that an exchange may remove: those of the same table, and those with the smallest loss.
        public IEnumerable<int> LeaversFor(int id)
        {
            var others = 0;
            var table = selection.candidates[id].Definition.Table;
            return Ranked()
                .Where(old => selection.candidates[old.Id].Definition.Table == table || others++ < Tuning.Selection.Leavers)
                .Select(old => old.Id);
        }

        // The chosen indexes with the smallest loss per byte, with the rise of the score.
        public List<(int Id, double Loss)> Cheapest() =>
            [.. Ranked().OrderBy(old => old.Loss / Math.Max(1, selection.candidates[old.Id].SizeBytes))];

        private List<(int Id, double Loss)> Ranked()
        {
            if (rankedAt != Age)
            {
                ranked = [.. Chosen.Select(old => (old, Change([], old))).OrderBy(old => old.Item2)];
                rankedAt = Age;
            }

            return ranked;
        }

        // The change of the score.
        public double Change(int[] add, params ReadOnlySpan<int> remove)
        {
            if (++tick == int.MaxValue)
            {
                Array.Clear(seen);
                tick = 1;
            }

            var change = 0.0;
            var added = 0;
            for (var i = 0; i < add.Length; i++)
            {
                if (!has[add[i]])
                {
                    has[add[i]] = true;
                    added |= 1 << i;
                    change += Upkeep(add[i]);
                }
            }

            foreach (var id in remove)
            {
                has[id] = false;
                change -= Upkeep(id);
            }

            foreach (var id in remove)
            {
                change += Change(id);
            }

            for (var i = 0; i < add.Length; i++)
            {
                if ((added & (1 << i)) != 0)
                {
                    change += Change(add[i]);
                }
            }

            for (var i = 0; i < add.Length; i++)
            {
                if ((added & (1 << i)) != 0)
                {
                    has[add[i]] = false;
                }
            }

            foreach (var id in remove)
            {
                has[id] = true;
            }

            return change;
        }

        private double Change(int id)
        {
            var change = 0.0;
            foreach (var s in selection.plans.StatementsOf(id))
            {
                if (seen[s] != tick)
                {
                    seen[s] = tick;
                    change += selection.Value(s, selection.plans.Best(s, has), has) - value[s];
                }
            }

            return change;
        }

        // The members of the move that are not chosen yet.
        public void Add(int[] move)
        {
            foreach (var id in move)
            {
                if (!has[id])
                {
                    Add(id);
                }
            }
        }

        public void Add(int id)
        {
            Chosen.Add(id);
            Switch(id, true);
        }

        public void Remove(int id)
        {
            Chosen.Remove(id);
            Switch(id, false);
        }

        private void Switch(int id, bool on)
        {
            has[id] = on;
            size += on ? selection.candidates[id].SizeBytes : -selection.candidates[id].SizeBytes;
            Age++;
            foreach (var rival in selection.rivals[id])
            {
                blocked[rival] += on ? 1 : -1;
            }

            foreach (var s in selection.plans.StatementsOf(id))
            {
                value[s] = selection.Value(s, selection.plans.Best(s, has), has);
            }

            // The sum is recomputed: differences of very large numbers would leave a remainder that looks like a gain forever.
            Score = value.Sum() + Chosen.Sum(Upkeep);
        }

        public double Upkeep(int id) => selection.upkeeps[id];
    }
}
