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
        private List<(int Place, double Loss)> ranked = [];
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

        public bool Has(int place) => has[place];

        public long Bytes(int[] move)
        {
            var bytes = 0L;
            foreach (var place in move)
            {
                bytes += has[place] ? 0 : selection.candidates[place].SizeBytes;
            }

            return bytes;
        }

        public bool Fits(int[] move, params ReadOnlySpan<int> leaving)
        {
            var bytes = size + Bytes(move);
            var count = Chosen.Count - leaving.Length;
            foreach (var place in move)
            {
                count += has[place] ? 0 : 1;
            }

            foreach (var place in leaving)
            {
                bytes -= selection.candidates[place].SizeBytes;
            }

            return !(bytes > selection.options.StorageBudget) && !(count > selection.options.MaximumCount)
                && !HasRival(move, leaving);
        }

        // Chosen indexes that exclude a member of the move.
        public List<int> RivalsOf(int[] move) =>
            Array.TrueForAll(move, place => blocked[place] == 0)
                ? [] : Chosen.FindAll(old => Array.Exists(move, place => Array.IndexOf(selection.rivals[place], old) >= 0));

        private bool HasRival(int[] move, ReadOnlySpan<int> leaving)
        {
            foreach (var place in move)
            {
                var count = blocked[place];
                for (var i = 0; i < leaving.Length && count > 0; i++)
                {
                    count -= Array.IndexOf(selection.rivals[place], leaving[i]) >= 0 ? 1 : 0;
                }

                if (count > 0)
                {
                    return true;
                }
            }

            return false;
        }

        // The indexes that an exchange may remove: those of the same table, and those with the smallest loss.
        public IEnumerable<int> LeaversFor(int place)
        {
            var others = 0;
            var table = selection.candidates[place].Definition.Table;
            return Ranked()
                .Where(old => selection.candidates[old.Place].Definition.Table == table || others++ < Tuning.Selection.Leavers)
                .Select(old => old.Place);
        }

        // The chosen indexes with the smallest loss per byte, with the rise of the score.
        public List<(int Place, double Loss)> Cheapest() =>
            [.. Ranked().OrderBy(old => old.Loss / Math.Max(1, selection.candidates[old.Place].SizeBytes))];

        private List<(int Place, double Loss)> Ranked()
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

            foreach (var place in remove)
            {
                has[place] = false;
                change -= Upkeep(place);
            }

            foreach (var place in remove)
            {
                change += Change(place);
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

            foreach (var place in remove)
            {
                has[place] = true;
            }

            return change;
        }

        private double Change(int place)
        {
            var change = 0.0;
            foreach (var s in selection.plans.StatementsOf(place))
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
            foreach (var place in move)
            {
                if (!has[place])
                {
                    Add(place);
                }
            }
        }

        public void Add(int place)
        {
            Chosen.Add(place);
            Switch(place, true);
        }

        public void Remove(int place)
        {
            Chosen.Remove(place);
            Switch(place, false);
        }

        private void Switch(int place, bool on)
        {
            has[place] = on;
            size += on ? selection.candidates[place].SizeBytes : -selection.candidates[place].SizeBytes;
            Age++;
            foreach (var rival in selection.rivals[place])
            {
                blocked[rival] += on ? 1 : -1;
            }

            foreach (var s in selection.plans.StatementsOf(place))
            {
                value[s] = selection.Value(s, selection.plans.Best(s, has), has);
            }

            // The sum is recomputed: differences of very large numbers would leave a remainder that looks like a gain forever.
            Score = value.Sum() + Chosen.Sum(Upkeep);
        }

        // The gain of an index must exceed its maintenance cost and a least share of the workload.
        public double Upkeep(int place) => selection.charge + selection.candidates[place].WriteCost;
    }
}
